#include "tools/live/live_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/picture_grid.h"

namespace saccade {
namespace {

using Json = nlohmann::json;

/// Four digits are enough for a picture; what is no number is null.
Json rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::stod(fmt::format("{:.4g}", value));
}

Json mean(double sum, double count) { return count > 0 ? rounded(sum / count) : Json(nullptr); }

std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) { return at < bytes.size() ? unsigned{bytes[at]} : 0u; };
    const unsigned three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6) text += letters[three >> shift & 63];
    for (std::size_t missing = i + 3; missing > bytes.size(); --missing)
      text[text.size() - (missing - bytes.size())] = '=';
  }
  return text;
}

const char* name_of(ViewRole role) {
  return role == ViewRole::anchor ? "anchor" : role == ViewRole::learner ? "learner" : "idle";
}

Json accuracies(const ProbeResults& results) {
  Json json = Json::object();
  for (const auto& [name, list] : {std::pair("plain", &results.plain), std::pair("deformed", &results.deformed)}) {
    if (list->empty()) continue;
    for (const ProbeResult& r : *list) json[name].push_back({r.layer, rounded(r.accuracy)});
    if (!json.contains("protocol")) json["protocol"] = list->front().protocol;
  }
  return json;
}

// Names of files and classes may hold any bytes.
LiveFeed::Text next(const LiveFeed::Text& former, const Json& json) {
  auto text = std::make_shared<const std::string>(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (former.text && *former.text == *text) return former;
  return {former.version + 1, std::move(text)};
}

}  // namespace

LiveState::LiveState(LiveRun run) : run_(std::move(run)), trace_(make_trace(run_.trace)), history_(run_.layers) {
  news_ = {{"phase", "starting"}, {"probes", nullptr}, {"end", nullptr}};
}

void LiveState::phase(const std::string& what) {
  const std::lock_guard lock(mutex_);
  news_["phase"] = what;
  ++news_version_;
}

void LiveState::view(const View& view, const std::vector<UpdateRecord>& updates, const std::vector<Anchor>& anchors) {
  if (updates.empty()) return;
  const ViewRole role = updates.front().role;
  Past past{updates.front().event, view.fixation, role, {}, 0, false};
  for (const UpdateRecord& update : updates) {
    past.layers.push_back(update.layer);
    for (const UpdateTerm& term : update.terms) past.loss += term.loss, past.active |= term.active;
  }
  const std::lock_guard lock(mutex_);
  Scene& scene = now_.scene;
  scene.view = view;
  scene.updates = updates;
  scene.held = anchors.size();
  scene.anchors.assign(anchors.end() - static_cast<std::ptrdiff_t>(std::min(anchors.size(), most_pictures)),
                       anchors.end());
  if (view.stream >= kept_.size()) kept_.resize(view.stream + 1);
  if (role == ViewRole::anchor && !anchors.empty()) {
    std::deque<Kept>& kept = kept_[view.stream];
    kept.push_back({anchors.back().slot, view});
    if (kept.size() > most_pictures) kept.pop_front();
  }
  if (asked_ && role == ViewRole::learner) {
    compared_ = scene;
    compared_->kept = kept_[view.stream];
    asked_ = false;
  }
  now_.past.push_back(std::move(past));
  if (now_.past.size() > timeline) now_.past.pop_front();
  now_.events = updates.front().event + 1;
  history_.add(updates.front().event, updates);
}

void LiveState::probed(std::uint64_t event, const ProbeResults& learned, const ProbeResults& untrained,
                       const ProbeResults& pixels) {
  const std::lock_guard lock(mutex_);
  Json past = accuracies(learned);
  past.erase("protocol");
  past["event"] = event;
  if (!learned.plain.empty() || !learned.deformed.empty()) probed_[event] = std::move(past);
  if (probed_.size() > most_probes)  // every other one goes
    for (auto at = std::next(probed_.begin()); at != probed_.end() && std::next(at) != probed_.end(); ++at)
      at = probed_.erase(at);
  news_["probes"] = {{"event", event},
                     {"learned", accuracies(learned)},
                     {"untrained", accuracies(untrained)},
                     {"pixels", accuracies(pixels)},
                     {"past", Json::array()}};
  for (const auto& [_, each] : probed_) news_["probes"]["past"].push_back(each);
  ++news_version_;
}

void LiveState::ended(const RunSummary& s) {
  const std::lock_guard lock(mutex_);
  news_["phase"] = "ended";
  news_["end"] = {
      {"interrupted", s.interrupted}, {"diverged", s.diverged},       {"collapse", s.collapse},
      {"events", s.events},           {"updates", s.updates},         {"seconds", rounded(s.seconds)},
      {"loss", rounded(s.loss)},      {"fingerprint", s.fingerprint}, {"rate", rounded(s.events_per_second)}};
  ++news_version_;
}

std::vector<LiveFeed::Text> LiveState::texts(const Pace::State& pace) {
  constexpr auto history_distance = std::chrono::milliseconds(400);
  Now now;
  Json news;
  std::optional<LearningHistory> history;
  const Clock::time_point time = Clock::now();
  const bool fast = !pace.paused && rate_ > 15;
  {
    const std::lock_guard lock(mutex_);
    now = now_;
    now.recent = history_.recent();
    if (now.scene.view.stream < kept_.size()) now.scene.kept = kept_[now.scene.view.stream];
    if (fast && compared_) now.scene = std::move(*compared_);
    compared_.reset();
    asked_ = true;
    if (news_version_ != news_sent_) news = news_;
    // At once where a view was waited for, else now and then.
    if (history_events_ != now.events && (time - history_made_ > history_distance || pace.paused)) history = history_;
    news_sent_ = news_version_;
  }
  if (!news.is_null()) {
    news["kind"] = "run";
    news["run"] = run_.description;
    texts_[0] = next(texts_[0], news);
  }
  Json json = now_json(now, pace);
  rate_ = rate(now.events);
  json["rate"] = rounded(rate_);
  texts_[1] = next(texts_[1], json);
  if (history) {
    history_events_ = now.events, history_made_ = time;
    texts_[2] = next(texts_[2], history_json(*history));
  }
  return {texts_[0], texts_[1], texts_[2]};
}

/// Over the last second or two.
double LiveState::rate(std::uint64_t events) {
  const Clock::time_point now = Clock::now();
  counted_.emplace_back(now, events);
  while (counted_.size() > 2 && now - counted_[1].first > std::chrono::seconds(1)) counted_.pop_front();
  const double seconds = std::chrono::duration<double>(now - counted_.front().first).count();
  return seconds > 0.1 ? static_cast<double>(events - counted_.front().second) / seconds : 0;
}

Json LiveState::picture(const View& view) const {
  View shown = view;
  if (!shown.pixels && run_.source && view.recipe.kind == run_.kind) {
    auto pixels = std::make_shared<Pixels>(run_.view.values());
    run_.source->render(view.recipe, pixels->data());
    shown.pixels = std::move(pixels);
  }
  if (!shown.pixels || shown.pixels->size() != run_.view.values()) return nullptr;
  PictureGrid grid(1, 1, run_.view, run_.kind);
  grid.put(0, 0, shown.pixels->data());
  return base64(grid.take().bytes);
}

Json LiveState::now_json(const Now& now, const Pace::State& pace) const {
  Json json = {
      {"kind", "now"},          {"events", now.events},   {"paused", pace.paused},        {"speed", pace.speed},
      {"held", now.scene.held}, {"view", nullptr},        {"comparisons", Json::array()}, {"memory", Json::array()},
      {"past", Json::array()},  {"layers", Json::array()}};
  if (now.events == 0) return json;
  add_scene(json, now.scene);
  for (const Past& past : now.past)
    json["past"].push_back(
        {past.event, past.fixation, name_of(past.role), past.layers, past.active, rounded(past.loss)});
  for (std::size_t i = 0; i < now.recent.size(); ++i) {
    const LearningHistory::Sums& sums = now.recent[i];
    if (sums.learners > 0)
      json["layers"].push_back({{"layer", static_cast<int>(i) - 1},
                                {"loss", mean(sums.loss, sums.learners)},
                                {"active", mean(sums.active, sums.learners)},
                                {"positive", mean(sums.positive_distance, sums.positives)},
                                {"negative", mean(sums.negative_distance, sums.negatives)}});
  }
  return json;
}

void LiveState::add_scene(Json& json, const Scene& scene) const {
  const auto picture_of = [&](const Anchor& anchor) {
    const auto kept = std::find_if(scene.kept.rbegin(), scene.kept.rend(),
                                   [&](const Kept& each) { return each.slot == anchor.slot; });
    return kept == scene.kept.rend() ? Json(nullptr) : picture(kept->view);
  };
  const UpdateRecord& first = scene.updates.front();
  json["time"] = rounded(to_seconds(scene.view.time));
  json["view"] = {{"event", first.event},        {"fixation", scene.view.fixation}, {"index", scene.view.index},
                  {"stream", scene.view.stream}, {"role", name_of(first.role)},     {"picture", picture(scene.view)}};
  for (const UpdateRecord& update : scene.updates) json["view"]["layers"].push_back(update.layer);
  for (std::size_t i = 0; i < std::min(first.terms.size(), most_pictures); ++i) {
    const UpdateTerm& term = first.terms[i];              // that of the other layers has the same anchor
    Json comparison = {{"slot", term.slot % run_.slots},  // counted through all streams
                       {"positive", term.positive},
                       {"age", rounded(to_seconds(term.age_us))},
                       {"strength", rounded(trace_->strength(term.age_us))},
                       {"terms", Json::array()}};
    for (const UpdateRecord& update : scene.updates)
      if (i < update.terms.size())
        comparison["terms"].push_back({{"layer", update.layer},
                                       {"distance", rounded(update.terms[i].distance)},
                                       {"loss", rounded(update.terms[i].loss)},
                                       {"active", update.terms[i].active},
                                       {"staleness", update.terms[i].staleness}});
    json["comparisons"].push_back(comparison);
  }
  for (const Anchor& anchor : scene.anchors) {
    const Time age = scene.view.time - anchor.stored;
    json["memory"].push_back({{"slot", anchor.slot},
                              {"age", rounded(to_seconds(age))},
                              {"strength", rounded(trace_->strength(age))},
                              {"picture", picture_of(anchor)}});
  }
}

Json LiveState::history_json(const LearningHistory& history) const {
  Json json = {{"kind", "history"}, {"first", history.first()}, {"width", history.width()}, {"layers", Json::array()}};
  for (int layer = -1; layer < run_.layers; ++layer) {
    const auto at = static_cast<std::size_t>(layer + 1);
    const auto& all = history.stretches();
    if (std::none_of(all.begin(), all.end(), [&](const auto& stretch) { return stretch[at].learners > 0; })) continue;
    Json row = {{"layer", layer},
                {"loss", Json::array()},
                {"active", Json::array()},
                {"positive", Json::array()},
                {"negative", Json::array()}};
    for (const LearningHistory::Stretch& stretch : all) {
      const LearningHistory::Sums& sums = stretch[at];
      row["loss"].push_back(mean(sums.loss, sums.learners));
      row["active"].push_back(mean(sums.active, sums.learners));
      row["positive"].push_back(mean(sums.positive_distance, sums.positives));
      row["negative"].push_back(mean(sums.negative_distance, sums.negatives));
    }
    json["layers"].push_back(row);
  }
  return json;
}

}  // namespace saccade
