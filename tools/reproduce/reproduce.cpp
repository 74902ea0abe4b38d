#include "tools/reproduce/reproduce.h"
#include "tools/experiment/preset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "tools/experiment/experiment_differences.h"
#include "tools/reproduce/cell_run.h"
#include "tools/reproduce/figures.h"
#include "tools/reproduce/reproduce_outputs.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/run/run_folder.h"
#include "tools/tell.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

class Reproduction {
 public:
  explicit Reproduction(const ReproduceRequest& request)
      : request_(request), presets_(presets_folder()), table_(load_preset_table(presets_, request.table)) {
    table_.cells = chosen_cells(table_, request.rows);
    // Cell after cell, all seeds of each: every preset is read and every folder checked before anything runs.
    for (const PresetCell& cell : table_.cells)
      for (std::int64_t seed : request.seeds) runs_.emplace_back(table_, cell, seed, request, presets_);
  }

  int run() {
    std::error_code error;
    fs::create_directories(request_.flags.out, error);
    if (error)
      throw InputError(
          fmt::format("--out {}: this folder cannot be made: {}", request_.flags.out.string(), error.message()));
    int code = table_.runs() ? run_cells() : 0;
    const ReproducedTable outputs = write(true);
    if (request_.flags.json)
      fmt::print("{}", reproduced_json(outputs));
    else
      fmt::print("{}report: {}\n", reproduced_text(outputs), (request_.flags.out / (table_.name + ".html")).string());
    if (code == 0 && interrupted()) code = 130;
    if (code == 130) tell("interrupted; the same command goes on where it stopped");
    return code;
  }

 private:
  int run_cells() {
    for (const CellRun& run : runs_)
      if (run.done()) estimate_.learned(run_cost(run.experiment()), run.seconds());
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (runs_[i].done()) continue;
      if (interrupted()) return 130;
      if (!request_.flags.quiet)
        put_on_stderr(fmt::format("reproduce {}: {} of {}: {}, seed {}; left: {}\n", table_.name, i + 1, runs_.size(),
                                  runs_[i].cell().name, runs_[i].seed(), time_left()));
      if (const int code = runs_[i].run(request_.flags, estimate_)) return code;
      write(false);
    }
    return 0;
  }

  /// Cells that share a run share its cost.
  std::string time_left() const {
    RunCost cost;
    std::vector<fs::path> counted;
    for (const CellRun& run : runs_) {
      if (run.done() || std::find(counted.begin(), counted.end(), run.folder()) != counted.end()) continue;
      counted.push_back(run.folder());
      const RunCost own = run.left();
      cost.learning += own.learning;
      cost.probing += own.probing;
    }
    return estimate_.known() ? "about " + duration_text(estimate_.seconds(cost))
                             : "unknown until the first cell is done";
  }

  CellResult result_of(const PresetCell& cell) const {
    CellResult result;
    result.cell = cell;
    std::vector<double> accuracies;
    for (const CellRun& run : runs_) {
      if (run.cell().name != cell.name) continue;
      result.epochs = integer_value(run.experiment(), "epochs");
      result.images = training_images(run.experiment());
      if (result.differs.empty()) result.differs = experiment_differences(run.published(), run.experiment());
      if (!table_.runs() || !run.done()) continue;
      result.seeds.push_back(run.seed());
      result.seconds += run.seconds();
      result.test_images = tested_images(run.experiment());
      if (run.diverged())
        result.differs.push_back(
            fmt::format("seed {} diverged: its numbers were not finite, and it has no accuracy", run.seed()));
      if (const double accuracy = run.accuracy(); accuracy >= 0) accuracies.push_back(accuracy);
    }
    if (!cell.note.empty()) result.differs.push_back(cell.note);
    set_accuracies(result, accuracies);
    return result;
  }

  ReproducedTable write(bool last) const {
    ReproducedTable outputs{table_, {}, {}, {}};
    for (const PresetCell& cell : table_.cells) outputs.cells.push_back(result_of(cell));
    const auto left =
        std::count_if(runs_.begin(), runs_.end(), [&](const CellRun& run) { return table_.runs() && !run.done(); });
    if (left > 0)
      outputs.left = fmt::format("Not finished: {} of {} runs are left; time: {}.", left, runs_.size(), time_left());
    if (!table_.figure.empty()) outputs.figure = figure_html(table_, runs_, request_.flags, last);
    write_outputs(outputs, request_.flags.out);
    return outputs;
  }

  const ReproduceRequest& request_;
  fs::path presets_;
  PresetTable table_;
  std::vector<CellRun> runs_;
  TimeEstimate estimate_;
};

}  // namespace

std::vector<PresetCell> chosen_cells(const PresetTable& table, const std::vector<std::string>& rows) {
  if (rows.empty()) return table.cells;
  const auto matches = [](const PresetCell& cell, const std::string& row) {
    return cell.name.find(row) != std::string::npos;
  };
  for (const std::string& row : rows)
    if (std::none_of(table.cells.begin(), table.cells.end(),
                     [&](const PresetCell& cell) { return matches(cell, row); })) {
      std::vector<std::string> names;
      for (const PresetCell& cell : table.cells) names.push_back("\"" + cell.name + "\"");
      throw InputError(fmt::format("--row \"{}\": no cell of {} has this in its name; known are {}", row, table.name,
                                   fmt::join(names, ", ")));
    }
  std::vector<PresetCell> chosen;
  for (const PresetCell& cell : table.cells)
    if (std::any_of(rows.begin(), rows.end(), [&](const std::string& row) { return matches(cell, row); }))
      chosen.push_back(cell);
  return chosen;
}

std::string list_presets() {
  const fs::path folder = presets_folder();
  std::string text;
  for (const std::string& name : preset_names()) {
    const PresetTable table = load_preset_table(folder, name);
    text += fmt::format("{}  {}\n", name, table.title);
    for (const PresetCell& cell : table.cells)
      text += fmt::format("  {:<44} {}\n", cell.name, (folder / (cell.preset + ".toml")).string());
  }
  return text;
}

std::string list_presets_json() {
  const fs::path folder = presets_folder();
  nlohmann::ordered_json tables = nlohmann::ordered_json::array();
  for (const std::string& name : preset_names()) {
    const PresetTable table = load_preset_table(folder, name);
    nlohmann::ordered_json cells = nlohmann::ordered_json::array();
    for (const PresetCell& cell : table.cells)
      cells.push_back({{"cell", cell.name},
                       {"preset", (folder / (cell.preset + ".toml")).string()},
                       {"published", cell.published}});
    tables.push_back({{"table", name}, {"title", table.title}, {"cells", cells}});
  }
  return tables.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

namespace {

void check(const ReproduceRequest& request) {
  if (request.flags.out.empty()) throw InputError("reproduce: where should the results go? Give --out DIR");
  if (request.seeds.empty()) throw InputError("--seeds: found none, expected a list such as 1,2,3");
  std::vector<std::int64_t> sorted = request.seeds;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    throw InputError(fmt::format("--seeds: {} stands there twice; the same run would count as two", *twice));
  for (const std::string& assignment : request.flags.set)
    if (assignment.starts_with("seed="))
      throw InputError(fmt::format("--set {}: seeds are given by --seeds", assignment));
  if (fs::exists(RunFolder{request.flags.out}.experiment()))
    throw InputError(
        fmt::format("--out {}: this is the folder of a run; choose another for the table", request.flags.out.string()));
}

}  // namespace

int reproduce(const ReproduceRequest& request) {
  catch_interrupts();
  check(request);
  return Reproduction(request).run();
}

}  // namespace saccade
