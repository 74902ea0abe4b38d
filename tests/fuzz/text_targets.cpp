#include "engine/error.h"
#include "streams/frame_list.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/fuzz/targets.h"
#include "tests/streams/image_files.h"
#include "tools/experiment/experiment.h"
#include "tools/report/metrics_file.h"
#include "tools/report/similarity_file.h"
#include "tools/run/probe_log.h"
#include "tools/run/run_folder.h"
#include "tools/sweep/study.h"

namespace saccade::fuzz {
namespace {

/// Byte 0: event or batch mode.
void experiment(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const Mode mode = input[0] % 2 == 0 ? Mode::event : Mode::batch;
  const std::string text(input.begin() + 1, input.end());
  const Experiment read = parse_experiment(text, "input", {}, mode);
  expect(parse_experiment(write_experiment(read), "again", {}, mode) == read,
         "an experiment that changes when written");
}

std::vector<Bytes> experiments() {
  std::vector<Bytes> all;
  for (const std::string text :
       {"seed = 3\nschedule = \"gll\"\n[network]\nlayers = [{channels = 5, pool = true, activation = \"tanh\"}]\n",
        "margins = [[0.5, 2], [1, 3]]\nrate.conv = [1e-3, 1e-2]\n[network]\nembedding = 4\nlayers = [{channels = 2}, "
        "{kind = \"local\", channels = 2, stride = 2}, {kind = \"pool\"}]\n",
        "data = \"world\"\n[memory]\nwindow = inf\ntrace = \"synaptic\"\n[stream]\ndwell = \"geometric\"\n",
        "rate = 1e-3\nnegatives = \"all\"\nview.kind = \"auto\"\nblock = false\n"}) {
    for (const std::size_t mode : {0, 1}) all.push_back(chosen(mode, bytes_of(text)));
  }
  all.push_back(chosen(0, bytes_of(write_experiment(parse_experiment("", "defaults")))));
  return all;
}

void study(std::span<const std::uint8_t> input) {
  const Study read = load_study(file_with(input, "study.toml"));
  const std::vector<StudyRun> runs = study_runs(read);
  expect(runs.size() == read.points.size() * read.seeds.size(), "runs that are missing");
}

std::vector<Bytes> studies() {
  return {bytes_of("title = \"Tiny\"\nquestion = \"?\"\nseeds = [1, 2]\n[base]\ndata = \"world\"\nevents = 200\n"
                   "network = {layers = [{channels = 4}], embedding = 8}\n[grid]\nmemory.window = [0.5, inf]\n"
                   "negatives = [1, 2]\n"),
          bytes_of("title = \"Points\"\ncommand = \"train\"\nseeds = [3]\n[[point]]\nname = \"a\"\nrule = \"rf\"\n"
                   "[[point]]\nname = \"b\"\nloss = \"simclr\"\n"),
          bytes_of("title = \"Drawn\"\nseeds = [1]\n[random]\ndraws = 3\nrate.conv = {min = 1e-4, max = 1e-2, log = "
                   "true}\nrule = {choices = [\"bp\", \"rf\"]}\n")};
}

void frame_list(std::span<const std::uint8_t> input) {
  static const auto image = file_with(test::png_file(1, 1, 1, {9}), "a.png");
  FrameListStream stream(file_with(input, "list.csv"), {});
  std::uint64_t views = 0;
  while (const auto event = stream.next_recipe()) views += std::holds_alternative<View>(event->event);
  expect(views == stream.views(), "frames that are missing");
}

std::vector<Bytes> frame_lists() {
  return {bytes_of("time,object,view,path\n0,cup,0,a.png\n0.1,cup,1,a.png\n0.2,\"a, \"\"b\"\"\",0,a.png\n"),
          bytes_of("\xEF\xBB\xBFtime,object,view,path\r\n0.5,x,0,a.png\r\n")};
}

/// What a run folder holds as text: byte 0 says which.
void run_text(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  testing::FaultyFileSystem files;
  const auto content = input.subspan(1);
  files.put("run/text", {content.begin(), content.end()});
  switch (input[0] % 4) {
    case 0:
      read_metrics("run/text", files);
      return;
    case 1:
      for (const SimilarityMatrix& m : read_similarity("run/text", files).matrices)
        expect(!m.values.empty(), "a matrix without values");
      return;
    case 2:
      ProbeLog("run/text", 1000, files).latest("learned");
      return;
    default:
      const RunSummary read = read_summary(file_with(content, "summary.json"));
      const auto again = bytes_of(summary_json(read));
      expect(summary_json(read_summary(file_with(again, "again.json"))) == summary_json(read),
             "a summary that changes when it is written");
  }
}

std::vector<Bytes> run_texts() {
  RunSummary summary;
  summary.command = "replay";
  summary.stream = "F.views";
  summary.probe.plain = {{0, 12, 0.5, "protocol"}};
  std::vector<Bytes> all{
      bytes_of("event,time_s,layer,quantity,value\n10,0.5,0,loss,0.25\n10,0.5,-1,updates,3\n20,1,0,loss,nan\n"),
      bytes_of("event,layer,row,a,\"b, c\"\n0,0,a,1,0.5\n0,0,\"b, c\",0.5,1\n"),
      bytes_of("event,network,test,layer,features,accuracy,protocol\n0,untrained,plain,0,12,0.25,\"p\"\n"
               "30,learned,deformed,0,12,0.5,\"p, q\"\n"),
      bytes_of(summary_json(summary))};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = chosen(i, all[i]);
  return all;
}

}  // namespace

std::vector<Target> text_targets() {
  return {{"experiment", experiment, experiments},
          {"study", study, studies},
          {"frame-list", frame_list, frame_lists},
          {"run-text", run_text, run_texts}};
}

}  // namespace saccade::fuzz
