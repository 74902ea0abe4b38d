#include "tools/send/send.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/error.h"
#include "streams/network/token.h"
#include "streams/prefetch.h"
#include "streams/recorded_stream.h"
#include "tools/experiment/setup.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/tell.h"

namespace saccade {
namespace {

/// A recording with all that it is rendered from.
struct Source {
  Recording recording;
  DataSet data;
  std::unique_ptr<RenderableStream> stream;
};

std::unique_ptr<Source> open(const std::filesystem::path& file, const CommonFlags& flags) {
  auto source = std::make_unique<Source>();
  if (ViewFileReader(real_files(), file).header().content == ViewFileHeader::Content::pixels) {
    auto stream = std::make_unique<RecordedStream>(file);
    source->recording = stream->recording();
    source->stream = std::move(stream);
  } else {
    // As `replay --stream` renders them.
    const Experiment experiment = load_experiment({}, {"stream.file=" + toml_string(file.string())});
    source->data = load_experiment_data(experiment, data_folder(flags));
    auto stream = event_stream(experiment, source->data);
    source->recording = dynamic_cast<RecordedStream&>(*stream).recording();
    source->stream = std::move(stream);
  }
  if (const auto streams = source->recording.header.streams; streams > 1)
    throw InputError(fmt::format("{}: holds up to {} streams side by side, expected one: each has its own connection",
                                 file.string(), streams));
  return source;
}

HostPort server_of(const std::string& text) {
  const auto to = split_host_port(text);
  if (!to || !to->port || *to->port == 0)
    throw InputError(
        fmt::format("--to {}: expected HOST:PORT, as 127.0.0.1:8764, server.example:8764 or [::1]:8764", text));
  return *to;
}

void print(const SendRequest& request, const SendCounts& counts, bool json) {
  const double rate = counts.seconds > 0 ? static_cast<double>(counts.views) / counts.seconds : 0;
  const double median = 1e3 * counts.latency.quantile(0.5), p99 = 1e3 * counts.latency.quantile(0.99);
  if (json) {
    const nlohmann::ordered_json object = {{"views", counts.views},
                                           {"saccades", counts.saccades},
                                           {"skipped", counts.skipped},
                                           {"answered", counts.answered},
                                           {"dropped", counts.dropped},
                                           {"updated", counts.updated},
                                           {"seconds", counts.seconds},
                                           {"views_per_second", rate},
                                           {"latency_ms", {{"median", median}, {"p99", p99}}},
                                           {"reconnects", counts.reconnects},
                                           {"interrupted", counts.interrupted}};
    fmt::print("{}\n", object.dump(2));
    return;
  }
  fmt::print(
      "{}: {} views and {} saccades in {:.1f} s ({:.0f} views/s), {} answered, {} dropped, {} updates; answers after "
      "{:.3g} ms (median), {:.3g} ms (99 %)",
      request.to, counts.views, counts.saccades, counts.seconds, rate, counts.answered, counts.dropped, counts.updated,
      median, p99);
  if (counts.skipped > 0) fmt::print("; {} events were there before", counts.skipped);
  if (counts.reconnects > 0) fmt::print("; {} reconnects", counts.reconnects);
  fmt::print("{}\n", counts.interrupted ? "; interrupted" : "");
}

}  // namespace

int send_file(SendRequest request, const CommonFlags& flags) {
  SendOptions& options = request.options;
  options.to = server_of(request.to);
  const auto rate = send_rate(request.rate);
  if (!rate)
    throw InputError(
        fmt::format("--rate {}: expected views per second (0.001 to 1000000), max, or recorded", request.rate));
  options.rate = *rate;
  if (!options.stream.empty()) wire::check_stream_name("--name " + options.stream, options.stream);
  if (!flags.token_file.empty()) options.token = Token::read(flags.token_file).secret();
  catch_interrupts();
  const auto source = open(request.file, flags);
  const Recording& recording = source->recording;
  options.header = recording.header;
  PrefetchedStream rendered(std::move(source->stream),
                            std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
  Progress progress("send", recording.events, "events", flags.quiet);
  SendWatch watch;
  watch.answer = [&](std::uint64_t, const wire::Answer&, const SendCounts& counts) {
    progress.update(counts.answered + counts.skipped);
  };
  watch.notice = [](const std::string& text) { tell("{}", text); };
  watch.stop = interrupted;
  const SendCounts counts = send(rendered, options, watch);
  print(request, counts, flags.json);
  return counts.interrupted ? 130 : 0;
}

}  // namespace saccade
