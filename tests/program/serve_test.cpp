#include <doctest/doctest.h>

#include "data_folders.h"
#include "program.h"
#include "served_run.h"
#include "streams/network/sender.h"
#include "streams/recorded_stream.h"

/// Promise 2 for a served stream: what was answered is there, and the run goes on to the same bits.
namespace saccade::program {
namespace {

using Events = std::vector<Event>;

/// Of a recording, whole or not.
Events events_of(const fs::path& file) {
  ViewFileReader reader(real_files(), file);
  Events events;
  while (auto event = reader.next()) events.push_back(std::move(*event));
  return events;
}

bool same_event(const Event& a, const Event& b) {
  if (a.index() != b.index()) return false;
  if (const auto* saccade = std::get_if<Saccade>(&a)) return saccade->time == std::get<Saccade>(b).time;
  const auto &view = std::get<View>(a), &other = std::get<View>(b);
  return view.time == other.time && view.fixation == other.fixation && *view.pixels == *other.pixels;
}

std::string fingerprint(const fs::path& run) { return json_of(run / "summary.json")["fingerprint"].get<std::string>(); }

}  // namespace

TEST_CASE("a server that is killed has what it answered, and goes on to the same bits") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "F.views", out = folder.path / "served";
  const Arguments data{"--data", folder.path.string()};
  make_fashion_mnist(folder.path, 60, 40);
  REQUIRE(run(Arguments{"pack", "--quiet", "--pixels", "--out", file.string(), "--events", "60"} + data).code == 0);
  const Events sent = events_of(file);
  RecordedStream stream(file);

  std::uint64_t answered = 0;  // events, over all sittings
  for (const int kill_after : {1, 12, 5, 17, 0}) {
    CAPTURE(kill_after);
    const Arguments sitting = answered == 0 ? Arguments{"--out", out.string(),       "--set", "events=60",
                                                        "--set", "stream.streams=1", "--set", "checkpoint.every=10"}
                                            : Arguments{"--resume", out.string()};
    const fs::path err =
        folder.path / ("serve-" + std::to_string(kill_after) + ".err");  // the last one's names its port
    ServedRun server(err, sitting + Arguments{"--waiting", "2"} + data);
    SendOptions options;
    const std::size_t colon = server.address.rfind(':');
    options.to = {server.address.substr(0, colon),
                  static_cast<std::uint16_t>(std::stoi(server.address.substr(colon + 1)))};
    options.header = stream.recording().header;
    options.retries = 0;
    SendWatch watch;
    int answers = 0;
    const std::uint64_t before = answered;
    watch.answer = [&](std::uint64_t event, const wire::Answer&, const SendCounts& counts) {
      if (answers == 0) CHECK(counts.skipped >= before);
      answered = event + 1;
      if (++answers == kill_after) server.send(SIGKILL);
    };
    stream.seek(0);
    if (kill_after == 0) {
      const SendCounts counts = send(stream, options, watch);
      CHECK(counts.skipped + counts.answered == sent.size());
      CHECK(server.wait().code == 0);
      break;
    }
    CHECK_THROWS_AS(send(stream, options, watch), std::runtime_error);
    REQUIRE(server.wait().signal == SIGKILL);
    REQUIRE(answers >= kill_after);
    const Events kept = events_of(out / "arrivals.views.partial");
    CHECK(kept.size() >= answered);
    CHECK(std::equal(kept.begin(), kept.end(), sent.begin(), same_event));
  }
  const Events arrived = events_of(out / "arrivals.views");
  CHECK(std::equal(arrived.begin(), arrived.end(), sent.begin(), sent.end(), same_event));

  const auto replayed = [&](const std::string& name, const Arguments& arguments) {
    const Outcome outcome = run(arguments + Arguments{"--quiet", "--out", (folder.path / name).string()} + data);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    return fingerprint(folder.path / name);
  };
  CHECK(replayed("again", {"replay", (out / "experiment.toml").string(), "--stream",
                           (out / "arrivals.views").string()}) == fingerprint(out));
  CHECK(replayed("direct", {"replay", "--stream", file.string()}) == fingerprint(out));
}

TEST_CASE("a server that others reach needs a token") {
  const TemporaryFolder folder;
  for (const std::string listen : {"0.0.0.0:0", "[::]:0"}) {
    const Arguments line{"serve", "--listen", listen, "--out", (folder.path / "run").string()};
    CHECK(refusal_fault(run(line), line, {"--listen " + listen, "expected --token-file"}) == "");
  }
  CHECK_FALSE(fs::exists(folder.path / "run"));
}

}  // namespace saccade::program
