#include "tools/run/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/audit/audit.h"
#include "tools/report/metrics_file.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

double accuracy_of(const std::vector<ProbeResult>& results, int layer) {
  for (const ProbeResult& result : results)
    if (result.layer == layer) return result.accuracy;
  return std::nan("");
}

AccuracyTable accuracy_table(const char* name, int layers, const std::vector<ProbeResult>& learned,
                             const std::vector<ProbeResult>& untrained, const std::vector<ProbeResult>& pixels) {
  AccuracyTable table{name, {}, accuracy_of(pixels, -1)};
  for (int i = 0; i < layers; ++i)
    table.layers.push_back({fmt::format("layer {}", i), accuracy_of(learned, i), accuracy_of(untrained, i)});
  return table;
}

std::string percent(double fraction) { return std::isnan(fraction) ? "-" : fmt::format("{:.2f}", 100 * fraction); }

/// The first and the latest matrix of each layer.
void add_similarity(RunReport& report, const RunFolder& folder) {
  const SimilarityMatrices all = read_similarity(folder.similarity(), *folder.files);
  report.similarity_names = all.names;
  for (const SimilarityMatrix& m : all.matrices) {
    const auto same = std::find_if(report.similarities.begin(), report.similarities.end(),
                                   [&](const RunReport::LayerSimilarity& l) { return l.first.layer == m.layer; });
    if (same == report.similarities.end())
      report.similarities.push_back({m, m});
    else
      same->latest = m;
  }
}

/// What both modes show.
RunReport common_report(const Experiment& e, const RunSummary& s, const RunFolder& folder) {
  RunReport report;
  const std::string negatives = e.negatives == Experiment::all_negatives ? "all" : fmt::format("{}", e.negatives);
  const bool compares = e.loss == Experiment::Loss::hinge || e.loss == Experiment::Loss::clapp;
  report.subtitle = fmt::format("{}, schedule {}, rule {}{}, seed {}", e.network.name, experiment_word(e, "schedule"),
                                experiment_word(e, "rule"), compares ? ", " + negatives + " negatives" : "", e.seed);
  if (s.diverged && s.divergence.empty())  // told by an older program
    report.subtitle += ". This run has diverged: a distance or loss was not finite. Try smaller rates.";
  if (!s.divergence.empty()) report.subtitle += ". " + s.divergence + ". Try smaller rates.";
  if (!s.collapse.empty()) report.subtitle += ". " + s.collapse;
  report.metrics = read_metrics(folder.metrics(), *folder.files);
  if (e.measure.similarity != Experiment::SimilarityOf::none) add_similarity(report, folder);
  const bool end_to_end_run = e.schedule == Experiment::Schedule::e2e;
  for (int i = end_to_end_run ? -1 : 0; i < (end_to_end_run ? 0 : e.network.depth()); ++i) {
    const Experiment::Margins& m = e.margins_of(i < 0 ? e.network.depth() - 1 : i);
    report.margins.push_back({i, m.positive, m.negative});
  }
  auto add = [&](const char* name, const std::vector<ProbeResult>& learned, const std::vector<ProbeResult>& untrained,
                 const std::vector<ProbeResult>& pixels) {
    if (learned.empty() && untrained.empty()) return;
    report.accuracies.push_back(accuracy_table(name, e.network.depth(), learned, untrained, pixels));
    report.protocols.push_back((learned.empty() ? untrained : learned).front().protocol);
  };
  add("plain", s.probe.plain, s.random_probe.plain, s.pixels_probe.plain);
  add("deformed", s.probe.deformed, s.random_probe.deformed, s.pixels_probe.deformed);
  for (const Audit::Condition& c : audit(e, s.command == "train").conditions)
    report.plausibility.push_back({c.name, to_string(c.verdict), c.where + ": " + c.why});
  report.experiment = write_experiment(e);
  return report;
}

std::string throughput(const RunSummary& s, double rate, const char* unit) {
  return fmt::format("{:.0f} {}/s{}, deformation included", rate, unit,
                     s.threads > 0 ? fmt::format(" with {} threads", s.threads) : std::string());
}

/// What a run that was killed does not tell is left out.
void add_machine(RunReport& report, const RunSummary& s) {
  if (s.peak_rss_bytes > 0)
    report.summary.push_back({"peak memory", fmt::format("{:.0f} MB", static_cast<double>(s.peak_rss_bytes) / 1e6),
                              "of the whole program, probes included"});
  if (!s.device.empty()) report.summary.push_back({"device", fmt::format("{} ({})", s.device, s.instruction_set), ""});
}

std::string of_length(const RunSummary& s, std::uint64_t done) {
  return s.length > 0 ? fmt::format("{} of {}", done, s.length) : fmt::format("{}", done);
}

RunReport replay_report(const Experiment& e, const RunSummary& s, const RunFolder& folder) {
  RunReport report = common_report(e, s, folder);
  report.title = fmt::format("Event mode on {}", s.stream.empty() ? s.data : "the recorded stream " + s.stream);
  report.summary = {
      {"views", of_length(s, s.events), s.interrupted ? "interrupted" : ""},
      {"updates", fmt::format("{}", s.updates), "views whose error was active"},
      {"learning time", duration_text(s.seconds), throughput(s, s.events_per_second, "views")},
      {"last loss", loss_text(s), "mean per view that was compared"},
      {"fingerprint", s.fingerprint, "hash of weights, optimiser, memory and event number"},
  };
  if (s.memory_floats > 0)
    report.summary.push_back(
        {"short-term memory", fmt::format("{:.0f} floats", s.memory_floats),
         "most at a time: embeddings of anchors, and activities where the gradient is not blocked"});
  add_machine(report, s);
  return report;
}

RunReport train_report(const Experiment& e, const RunSummary& s, const RunFolder& folder) {
  RunReport report = common_report(e, s, folder);
  report.title = fmt::format("Batch mode on {}: {}", s.data, experiment_word(e, "loss"));
  report.summary = {
      {"steps", of_length(s, s.updates),
       fmt::format("{:.4g} epochs of batches of {}{}", s.epochs, e.batch, s.interrupted ? "; interrupted" : "")},
      {"learning time", duration_text(s.seconds), throughput(s, s.pairs_per_second, "pairs")},
      {"last loss", loss_text(s), "mean per pair in the last epoch"},
      {"fingerprint", s.fingerprint, "hash of weights, optimiser and step number"},
  };
  for (MetricSeries& series : report.metrics) series.events = series.times;
  report.axis = "epochs";
  report.loss_of = "mean per pair";
  add_machine(report, s);
  for (const auto* own : {&s.classifier.plain, &s.classifier.deformed})
    if (!own->empty())
      report.summary.push_back(
          {fmt::format("own classifier, {} test images", own == &s.classifier.plain ? "plain" : "deformed"),
           percent(own->front().accuracy) + " %", own->front().protocol});
  return report;
}

}  // namespace

RunReport run_report(const Experiment& e, const RunSummary& s, const RunFolder& folder, const ViewSheet& sheet) {
  const bool batches = s.command == "train";
  RunReport report = batches ? train_report(e, s, folder) : replay_report(e, s, folder);
  report.sheet = sheet;
  return report;
}

void print_accuracies(const RunSummary& s) {
  auto block = [](const char* name, const std::vector<ProbeResult>& learned, const std::vector<ProbeResult>& untrained,
                  const std::vector<ProbeResult>& pixels) {
    if (untrained.empty() && learned.empty()) return;
    fmt::print("test accuracy of a linear probe, {} test images, %\n  {:<10} {:>8} {:>10}\n", name, "", "learned",
               "untrained");
    for (const ProbeResult& result : untrained.empty() ? learned : untrained)
      fmt::print("  {:<10} {:>8} {:>10}\n", fmt::format("layer {}", result.layer),
                 percent(accuracy_of(learned, result.layer)), percent(accuracy_of(untrained, result.layer)));
    if (!pixels.empty()) fmt::print("  {:<10} {:>8} {:>10}\n", "pixels", "", percent(pixels.front().accuracy));
  };
  block("plain", s.probe.plain, s.random_probe.plain, s.pixels_probe.plain);
  block("deformed", s.probe.deformed, s.random_probe.deformed, s.pixels_probe.deformed);
  if (!s.classifier.plain.empty())
    fmt::print("the network's own classifier: plain {} %{}\n", percent(s.classifier.plain.front().accuracy),
               s.classifier.deformed.empty()
                   ? ""
                   : fmt::format(", deformed {} %", percent(s.classifier.deformed.front().accuracy)));
}

}  // namespace saccade
