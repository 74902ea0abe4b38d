#include "tools/live/live_state.h"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <thread>

namespace saccade {
namespace {

using Json = nlohmann::json;

/// Renders its number in every pixel.
struct NumberSource final : ViewSource {
  const std::string& name() const override { return name_; }
  std::uint32_t size() const override { return 200; }
  std::span<const std::int32_t> labels() const override { return {}; }
  std::string hash() const override { return "none"; }
  ViewShape view_shape() const override { return {2, 1, 1}; }
  ViewRecipe draw(std::uint32_t object, std::uint64_t, std::uint32_t) const override {
    return {ViewKind::plain, object, {}};
  }
  void check(const ViewRecipe&) const override {}
  void render(const ViewRecipe& recipe, float* out) const override {
    out[0] = out[1] = static_cast<float>(recipe.source) / 255;
  }
  std::string name_ = "numbers";
};

LiveRun a_run() {
  LiveRun run;
  run.description = {{"data", "\xff<script>"}};
  run.view = {2, 1, 1};
  run.layers = 2;
  run.slots = 500;
  run.trace = {.name = "exponential", .time = 1};
  return run;
}

View a_view(std::uint64_t event, float value) {
  View view;
  view.time = static_cast<Time>(event) * 100'000;
  view.fixation = event / 2;
  view.index = static_cast<std::uint32_t>(event % 2);
  view.pixels = std::make_shared<const Pixels>(Pixels{value, 1});
  return view;
}

UpdateRecord a_record(std::uint64_t event, ViewRole role, std::vector<UpdateTerm> terms = {}) {
  return {event, static_cast<Time>(event) * 100'000, event / 2, role, 1, std::move(terms)};
}

Json part(LiveState& state, std::size_t i, const Pace::State& pace = {}) {
  const LiveFeed::Text text = state.texts(pace).at(i);
  return text.text ? Json::parse(*text.text) : Json();
}

}  // namespace

TEST_CASE("live state: the present view, what it is compared with and what is remembered") {
  LiveState state(a_run());
  CHECK(part(state, 0)["phase"] == "starting");
  CHECK(part(state, 0)["run"]["data"] == "\xEF\xBF\xBD<script>");  // bytes that are no text
  CHECK(part(state, 1)["events"] == 0);
  CHECK(part(state, 1)["view"].is_null());
  state.phase("learning");
  state.view(a_view(0, 0), {a_record(0, ViewRole::anchor)}, {{3, 0, 0, 0, 0}});
  Json now = part(state, 1);
  CHECK(now["view"]["role"] == "anchor");
  CHECK(now["view"]["picture"] == "AP8=");  // bytes 0, 255
  CHECK(now["memory"].size() == 1);
  CHECK(now["memory"][0]["picture"] == "AP8=");

  const float nan = std::numeric_limits<float>::quiet_NaN();
  state.view(a_view(1, 0.5f),
             {a_record(1, ViewRole::learner,
                       {{true, 2.5f, 1.5f, true, 100'000, 4, 3}, {false, nan, 0, false, 2'000'000, 9, 7}})},
             {{7, -1'900'000, 0, 0, 0}, {3, 0, 0, 0, 0}});
  now = part(state, 1, {true, 3});
  CHECK(now["paused"] == true);
  CHECK(now["speed"] == 3);
  CHECK(now["events"] == 2);
  CHECK(now["view"] == Json{{"event", 1},
                            {"fixation", 0},
                            {"index", 1},
                            {"stream", 0},
                            {"role", "learner"},
                            {"picture", "gP8="},
                            {"layers", {1}}});
  REQUIRE(now["comparisons"].size() == 2);
  const Json& positive = now["comparisons"][0];
  CHECK(positive["positive"] == true);
  CHECK(positive["slot"] == 3);
  CHECK(positive["age"] == 0.1);
  CHECK(positive["strength"] == 0.9048);  // exp(-0.1)
  CHECK(positive["terms"] ==
        Json::array({{{"layer", 1}, {"distance", 2.5}, {"loss", 1.5}, {"active", true}, {"staleness", 4}}}));
  CHECK(now["comparisons"][1]["strength"] == 0.1353);
  CHECK(now["comparisons"][1]["terms"][0]["distance"].is_null());
  CHECK(now["held"] == 2);
  CHECK(now["memory"][0]["picture"].is_null());  // it came before this page
  CHECK(now["memory"][1]["age"] == 0.1);
  CHECK(now["past"] == Json::array({{0, 0, "anchor", {1}, false, 0.0}, {1, 0, "learner", {1}, true, 1.5}}));
  CHECK(now["layers"] ==
        Json::array({{{"layer", 1}, {"loss", 1.5}, {"active", 1.0}, {"positive", 2.5}, {"negative", nullptr}}}));
  const Json history = part(state, 2, {true, 0});
  CHECK(history["first"] == 0);
  CHECK(history["layers"][0]["loss"] == Json::array({1.5}));
}

TEST_CASE("live state: a text has a new version when it says something new") {
  LiveState state(a_run());
  state.view(a_view(0, 0), {a_record(0, ViewRole::anchor)}, {{0, 0, 0, 0, 0}});
  state.texts({true, 0});
  const auto before = state.texts({true, 0}), after = state.texts({true, 0});
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(before[i].version == after[i].version);
    CHECK(before[i].text == after[i].text);
  }
  CHECK(state.texts({false, 0})[1].version > before[1].version);
  state.phase("probing");
  CHECK(state.texts({false, 0})[0].version > before[0].version);
  state.view(a_view(1, 0), {a_record(1, ViewRole::learner, {{true, 1, 1, true, 0, 0, 0}})}, {});
  CHECK(state.texts({true, 0})[2].version > before[2].version);
}

TEST_CASE("live state: bounded, however long the run and however large its memory") {
  LiveState state(a_run());
  std::vector<Anchor> anchors;
  std::size_t largest = 0;
  for (std::uint64_t event = 0; event < 3000; ++event) {
    anchors.push_back({static_cast<std::int64_t>(event % 500), static_cast<Time>(event) * 100'000, 0, 0, 0});
    if (anchors.size() > 500) anchors.erase(anchors.begin());
    state.view(a_view(event, 0), {a_record(event, ViewRole::anchor)}, anchors);
    if (event % 100 != 99) continue;
    const auto texts = state.texts({true, 0});
    largest = std::max(largest, texts[1].text->size() + texts[2].text->size());
  }
  const Json now = part(state, 1);
  CHECK(now["held"] == 500);
  CHECK(now["memory"].size() == LiveState::most_pictures);
  CHECK(now["memory"].back()["age"] == 0);
  CHECK(now["past"].size() == LiveState::timeline);
  CHECK(now["past"].back()[0] == 2999);
  CHECK(largest < 20000);
}

TEST_CASE("live state: views without pixels are rendered when they are looked at") {
  LiveRun run = a_run();
  run.source = std::make_shared<NumberSource>();
  LiveState state(run);
  View view = a_view(0, 0);
  view.pixels = nullptr;
  view.recipe.source = 128;
  state.view(view, {a_record(0, ViewRole::anchor)}, {{0, 0, 0, 0, 0}});
  CHECK(part(state, 1)["view"]["picture"] == "gIA=");
  CHECK(part(state, 1)["memory"][0]["picture"] == "gIA=");
}

TEST_CASE("live state: of fast views those that are compared are shown, with what was remembered then") {
  LiveState state(a_run());
  std::uint64_t event = 0;
  const auto views = [&](int count) {
    for (int i = 0; i < count; ++i, ++event)
      if (event % 2 == 0)
        state.view(a_view(event, static_cast<float>(event % 256) / 255), {a_record(event, ViewRole::anchor)},
                   {{0, 0, 0, 0, 0}});
      else
        state.view(a_view(event, 0), {a_record(event, ViewRole::learner, {{true, 1, 1, true, 0, 0, 0}})},
                   {{0, 0, 0, 0, 0}});
  };
  const auto tick = [&](bool paused) {
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
    return part(state, 1, {paused, 0});
  };
  views(1);
  tick(false);
  for (int i = 0; i < 5; ++i) {
    views(100);  // the latest is an anchor
    const Json now = tick(false);
    CHECK(now["events"] == event);
    if (i == 0) continue;  // no rate yet
    CHECK(now["view"]["role"] == "learner");
    CHECK(now["view"]["event"] == event - 100);  // the first since the last look
    CHECK(now["past"].back()[0] == event - 1);
    CHECK(now["memory"][0]["picture"] != now["view"]["picture"]);
  }
  CHECK(tick(true)["view"]["event"] == event - 1);  // held, the latest
}

TEST_CASE("live state: streams side by side have memories of their own") {
  LiveState state(a_run());
  for (const std::uint32_t stream : {0u, 2u}) {
    View view = a_view(stream, static_cast<float>(stream) / 2);
    view.stream = stream;
    state.view(view, {a_record(stream, ViewRole::anchor)}, {{3, 0, 0, 0, 0}});
  }
  const auto learner = [&](std::uint32_t stream) {
    View view = a_view(4, 0);
    view.stream = stream;
    const std::int32_t slot = 500 * static_cast<std::int32_t>(stream) + 3;
    state.view(view, {a_record(4, ViewRole::learner, {{true, 1, 1, true, 0, 0, slot}})}, {{3, 0, 0, 0, 0}});
    return part(state, 1);
  };
  for (const std::uint32_t stream : {0u, 2u}) {
    const Json now = learner(stream);
    CHECK(now["view"]["stream"] == stream);
    CHECK(now["comparisons"][0]["slot"] == 3);
    CHECK(now["memory"][0]["slot"] == 3);
    CHECK(now["memory"][0]["picture"] == (stream == 0 ? "AP8=" : "//8="));
  }
  CHECK(learner(1)["memory"][0]["picture"].is_null());
}

TEST_CASE("live state: told by one thread, asked by another") {
  constexpr std::uint64_t views = 2000;
  LiveState state(a_run());
  std::thread run([&] {
    for (std::uint64_t event = 0; event < views; ++event) {
      state.view(a_view(event, 0), {a_record(event, event % 2 ? ViewRole::learner : ViewRole::anchor)},
                 {{0, 0, 0, 0, 0}});
      if (event % 500 == 0) state.probed(event, {}, {}, {});
    }
    state.ended({});
  });
  std::uint64_t seen = 0;
  while (part(state, 0)["phase"] != "ended") {
    const Json now = part(state, 1);
    REQUIRE(now["events"] >= seen);
    seen = now["events"];
    if (seen > 0) REQUIRE(now["past"].back()[0] == seen - 1);
  }
  run.join();
  CHECK(part(state, 1)["events"] == views);
}

TEST_CASE("live state: accuracies and the end") {
  LiveState state(a_run());
  ProbeResults learned, pixels;
  learned.plain = {{0, 10, 0.61234, "how"}, {1, 10, 0.7, "how"}};
  pixels.deformed = {{-1, 10, 0.2, "so"}};
  state.probed(40, learned, {}, pixels);
  Json run = part(state, 0);
  CHECK(run["probes"]["event"] == 40);
  CHECK(run["probes"]["learned"] == Json{{"plain", {{0, 0.6123}, {1, 0.7}}}, {"protocol", "how"}});
  CHECK(run["probes"]["untrained"] == Json::object());
  CHECK(run["probes"]["pixels"]["deformed"] == Json::array({Json::array({-1, 0.2})}));
  CHECK(run["probes"]["past"] == Json::array({{{"event", 40}, {"plain", {{0, 0.6123}, {1, 0.7}}}}}));
  // Told again, and later ones: in order, a bounded number, the first and the latest among them.
  learned.plain = {{0, 10, 0.8, "how"}};
  for (std::uint64_t event = 40; event <= 3000; ++event) state.probed(event, learned, {}, pixels);
  const Json past = part(state, 0)["probes"]["past"];
  CHECK(past.size() <= LiveState::most_probes);
  CHECK(past.size() >= LiveState::most_probes / 2);
  CHECK(past.front() == Json{{"event", 40}, {"plain", {Json::array({0, 0.8})}}});
  CHECK(past.back()["event"] == 3000);
  CHECK(std::is_sorted(past.begin(), past.end(), [](const Json& a, const Json& b) { return a["event"] < b["event"]; }));
  CHECK(run["end"].is_null());
  RunSummary summary;
  summary.events = 7, summary.fingerprint = "abc", summary.loss = std::numeric_limits<double>::infinity();
  state.ended(summary);
  run = part(state, 0);
  CHECK(run["phase"] == "ended");
  CHECK(run["end"]["events"] == 7);
  CHECK(run["end"]["fingerprint"] == "abc");
  CHECK(run["end"]["loss"].is_null());
}

}  // namespace saccade
