#include "tools/live/live_page.h"

#include <fmt/format.h>

#include <thread>

#include "engine/error.h"
#include "tools/experiment/preset.h"
#include "tools/experiment/setup.h"
#include "tools/live/live_state.h"
#include "tools/live/pace.h"
#include "tools/live/web_server.h"
#include "tools/read_text.h"
#include "tools/tell.h"

namespace saccade {
namespace {

using Json = nlohmann::json;

std::vector<WebFile> page_files() {
  const std::filesystem::path folder = shipped_folder("page", "SACCADE_PAGE");
  return {{"/", "text/html; charset=utf-8", read_text(folder / "page.html")},
          {"/page.css", "text/css; charset=utf-8", read_text(folder / "page.css")},
          {"/page.js", "text/javascript; charset=utf-8", read_text(folder / "page.js")},
          {"/icon.svg", "image/svg+xml", read_text(folder / "icon.svg")}};
}

WebServerOptions server_options(const CommonFlags& flags) {
  WebServerOptions options;
  options.address = web_address(*flags.page);
  if (!flags.token_file.empty()) options.token = Token::read(flags.token_file);
  if (!options.address.loopback() && !options.token)
    throw InputError(fmt::format(
        "--page {}: others reach this address, and whoever reaches the page can see and hold the run; expected "
        "--token-file F, or a loopback address (127.0.0.1, with a tunnel: ssh -L)",
        options.address.text()));
  return options;
}

Json describe(const char* command, const Experiment& e) {
  Json json = {{"command", command},
               {"data", data_name(e.data)},
               {"network", e.network.name},
               {"schedule", experiment_word(e, "schedule")},
               {"rule", experiment_word(e, "rule")},
               {"seed", e.seed},
               {"length", e.events == Experiment::unbounded ? 0 : e.events},
               {"window", std::isfinite(e.memory.window) ? Json(e.memory.window) : Json(nullptr)},
               {"trace", experiment_word(e, "memory.trace")},
               {"negatives", e.negatives},
               {"view", {e.network.height, e.network.width, e.network.channels}},
               {"layers", Json::array()}};
  for (std::size_t i = 0; i < e.network.layers.size(); ++i) {
    const Experiment::Margins& margins = e.margins.size() == 1 ? e.margins.front() : e.margins.at(i);
    json["layers"].push_back(
        {{"channels", e.network.layers[i].channels}, {"margins", {margins.positive, margins.negative}}});
  }
  return json;
}

LiveRun live_run(const char* command, const Experiment& e, std::shared_ptr<const ViewSource> renderer) {
  return {describe(command, e),
          learner_options(e).memory.trace,
          {e.network.height, e.network.width, e.network.channels},
          e.view.kind,
          e.network.depth(),
          make_memory(learner_options(e).memory)->slots(),
          std::move(renderer)};
}

class LivePage final : public Watch, private LiveFeed {
 public:
  LivePage(const CommonFlags& flags, LiveRun run)
      : stays_(flags.page_stay), state_(std::move(run)), server_(server_options(flags), page_files(), *this) {
    WebAddress address = server_.address();
    const bool all = address.all();
    if (all) address.host = address.host.find(':') == std::string::npos ? "127.0.0.1" : "::1";
    tell("watch it learn at http://{}/", address.text());
    if (all) tell("the page is at all addresses of this machine, port {}, for who has the token", address.port);
  }

  void phase(const std::string& what) override { state_.phase(what); }
  void view(const View& view, const std::vector<UpdateRecord>& updates, const std::vector<Anchor>& anchors) override {
    state_.view(view, updates, anchors);
  }
  void probed(std::uint64_t event, const ProbeResults& learned, const ProbeResults& untrained,
              const ProbeResults& pixels) override {
    state_.probed(event, learned, untrained, pixels);
  }
  Duration wait(bool (*stop)()) override { return pace_.wait(stop); }
  void ended(const RunSummary& summary) override { state_.ended(summary); }
  void stay(bool (*stop)()) override {
    if (!stays_ || stop()) return;
    tell("the page stays until Ctrl-C");
    while (!stop()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

 private:
  std::vector<Text> texts() override { return state_.texts(pace_.state()); }
  bool command(std::string_view text) override { return pace_.command(text); }

  bool stays_;
  Pace pace_;
  LiveState state_;
  WebServer server_;  // last: its thread asks the others
};

}  // namespace

std::unique_ptr<Watch> make_live_page(const CommonFlags& flags, const char* command, const Experiment& experiment,
                                      std::shared_ptr<const ViewSource> renderer) {
  return std::make_unique<LivePage>(flags, live_run(command, experiment, std::move(renderer)));
}

}  // namespace saccade
