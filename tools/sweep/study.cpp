#include "tools/sweep/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/error.h"
#include "tools/experiment/parse_toml.h"
#include "tools/experiment/preset.h"
#include "tools/read_text.h"
#include "tools/sweep/study_points.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;
using points::refuse;

class StudyReader {
 public:
  StudyReader(const fs::path& file, const fs::path& base) : file_(file), base_(base) {
    study_.origin = file.string();
    document_ = parse_toml(read_text(file), study_.origin);
  }

  Study read() {
    check_keys();
    study_.title = text("title");
    study_.question = text("question");
    study_.notes = text("notes");
    if (study_.title.empty()) throw InputError(fmt::format("{}: a study needs a title = \"...\"", study_.origin));
    if (const std::string command = text("command"); command == "train")
      study_.mode = Mode::batch;
    else if (!command.empty() && command != "replay")
      refuse(study_.origin, *document_.get("command"),
             fmt::format("command is \"{}\", expected \"replay\" or \"train\"", command));
    read_seeds();
    read_base();
    read_points();
    return std::move(study_);
  }

 private:
  void check_keys() const {
    const std::vector<std::string> known{"title",      "question", "notes", "command", "seeds", "preset",
                                         "experiment", "base",     "grid",  "point",   "random"};
    for (const auto& [key, node] : document_)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        refuse(study_.origin, node,
               fmt::format("unknown key \"{}\"; a study has title, question, notes, command, seeds, preset, experiment "
                           "and the tables base, grid, point and random (experiment keys belong into [base])",
                           std::string_view(key.str())));
  }

  std::string text(const char* key) const {
    const toml::node* node = document_.get(key);
    if (node && !node->is_string()) refuse(study_.origin, *node, fmt::format("{}: expected a text", key));
    return node ? node->as_string()->get() : std::string();
  }

  const toml::table* table(const char* key) const {
    const toml::node* node = document_.get(key);
    if (node && !node->is_table()) refuse(study_.origin, *node, fmt::format("{}: expected a table, [{}]", key, key));
    return node ? node->as_table() : nullptr;
  }

  void read_seeds() {
    const toml::node* node = document_.get("seeds");
    if (!node) {
      study_.seeds = {1};
      return;
    }
    const toml::array* list = node->as_array();
    if (!list || list->empty()) refuse(study_.origin, *node, "seeds: expected a list such as [1, 2, 3]");
    for (const toml::node& one : *list) {
      const std::int64_t seed = one.is_integer() ? one.as_integer()->get() : -1;
      if (seed < 0) refuse(study_.origin, one, "seeds: expected integers from 0");
      if (std::find(study_.seeds.begin(), study_.seeds.end(), seed) != study_.seeds.end())
        refuse(study_.origin, one, fmt::format("seeds: {} stands there twice; the same run would count as two", seed));
      study_.seeds.push_back(seed);
    }
  }

  void read_base() {
    const std::string preset = text("preset"), experiment = text("experiment");
    if (!preset.empty() && !experiment.empty())
      refuse(study_.origin, *document_.get("experiment"), "preset and experiment: expected one of them");
    if (!preset.empty() || !experiment.empty()) {
      const fs::path named = !base_.empty()    ? base_
                             : !preset.empty() ? file_of_preset(preset)
                                               : file_.parent_path() / experiment;
      study_.base_origin = named.string();
      study_.base_text = read_text(named);
    } else {
      study_.base_origin = study_.origin;
    }
    if (const toml::table* base = table("base")) study_.base = points::assignments(*base, study_.origin);
  }

  fs::path file_of_preset(const std::string& preset) const {
    try {
      return preset_file(preset);
    } catch (const InputError& error) {
      refuse(study_.origin, *document_.get("preset"), error.what());
    }
  }

  void read_points() {
    const auto add = [&](std::vector<StudyPoint> more) {
      study_.points.insert(study_.points.end(), more.begin(), more.end());
    };
    if (const toml::table* grid = table("grid")) add(points::grid(*grid, study_.origin));
    if (const toml::node* list = document_.get("point")) {
      if (!list->is_array()) refuse(study_.origin, *list, "point: expected tables, [[point]]");
      add(points::listed(*list->as_array(), study_.origin));
    }
    if (const toml::table* random = table("random")) {
      const std::vector<StudyPoint> drawn = points::drawn(*random, study_.origin);
      const auto asked = (*random)["draws"].value<std::size_t>().value_or(0);
      if (drawn.size() < asked)
        study_.warning = fmt::format("{}: random.draws = {}: only {} of them differ; each is run once", study_.origin,
                                     asked, drawn.size());
      add(drawn);
    }
    if (study_.points.empty()) study_.points.push_back({"base", StudyPoint::Kind::listed, {}});
    for (const StudyPoint& point : study_.points)
      for (const Assignment& a : point.assignments)
        if (std::find(study_.varied.begin(), study_.varied.end(), a.key) == study_.varied.end())
          study_.varied.push_back(a.key);
  }

  fs::path file_, base_;
  toml::table document_;
  Study study_;
};

/// Part of a folder's name: at most 80 letters, digits and a few signs.
std::string plain(const std::string& name) {
  std::string text = name.substr(0, 80);
  std::replace_if(
      text.begin(), text.end(),
      [](char c) {
        return !std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '+' && c != '-' && c != '_';
      },
      '-');
  return text;
}

}  // namespace

Study load_study(const fs::path& file, const fs::path& base) { return StudyReader(file, base).read(); }

std::vector<StudyRun> study_runs(const Study& study) {
  std::vector<StudyRun> runs;
  std::map<std::string, std::size_t> known;  // experiments
  const std::size_t digits = std::max<std::size_t>(3, fmt::format("{}", study.points.size()).size());
  for (std::size_t p = 0; p < study.points.size(); ++p) {
    const StudyPoint& point = study.points[p];
    for (const std::int64_t seed : study.seeds) {
      StudyRun run{.name = fmt::format("{:0{}}-{}-seed-{}", p + 1, digits, plain(point.name), seed),
                   .point = p,
                   .seed = seed,
                   .overrides = {},
                   .experiment = {}};
      std::vector<Override> overrides;
      for (const auto* list : {&study.base, &point.assignments})
        for (const Assignment& a : *list)
          overrides.push_back({a.text(), fmt::format("{}, line {}", study.origin, a.line)});
      overrides.push_back({fmt::format("seed={}", seed), study.origin});
      for (const Override& one : overrides) run.overrides.push_back(one.assignment);
      try {
        run.experiment = parse_overridden(study.base_text, study.base_origin, overrides, study.mode);
      } catch (const InputError& error) {
        throw InputError(fmt::format("{} (point {} of the study, {})", error.what(), p + 1, point.name));
      }
      if (const auto [same, added] = known.try_emplace(write_experiment(run.experiment), p); !added)
        throw InputError(fmt::format("{}: points {} and {} ({}) are the same experiment; leave one of them out",
                                     study.origin, same->second + 1, p + 1, point.name));
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

}  // namespace saccade
