#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/experiment/experiment.h"

/// A study: one file that states which experiments are run, with which seeds, and why.
///
///     title = "How long must an anchor be remembered?"   # compulsory
///     question = "..."                                   # one paragraph
///     notes = """..."""                                  # paragraphs, empty lines between them
///     command = "replay"                                 # or "train"
///     seeds = [1, 2, 3]                                  # every point runs once with each
///     preset = "online/fashion-rll"                      # or experiment = "F.toml", beside this file
///     [base]                                             # any experiment keys, over those of the preset
///     events = 60000
///     [grid]                                             # points: every combination of these values
///     memory.window = [0.5, 1.0, inf]
///     negatives = [1, 4]
///     [[point]]                                          # and these
///     name = "shuffled"
///     stream.positives = "shuffled"
///     [random]                                           # and these many, drawn from `seed` (1 unless told)
///     draws = 20
///     rate.conv = {min = 1e-4, max = 1e-2, log = true}   # integers where min and max are, both ends included
///     rule = {choices = ["bp", "rf"]}
///
/// Without grid, point and random there is one point, the base.
namespace saccade {

/// A key of the experiment and its value as TOML, with the line of the study's file.
struct Assignment {
  std::string key, value;
  unsigned line = 0;
  std::string text() const { return key + "=" + value; }
};

struct StudyPoint {
  enum class Kind { grid, listed, drawn };
  std::string name;  ///< "window-0.5-negatives-4", or as given
  Kind kind = Kind::listed;
  std::vector<Assignment> assignments;
};

struct Study {
  std::string origin;  ///< name of its file, for messages
  std::string title, question, notes;
  Mode mode = Mode::event;
  std::vector<std::int64_t> seeds;
  std::string base_origin, base_text;  ///< experiment file below everything else; may be empty
  std::vector<Assignment> base;
  std::vector<StudyPoint> points;
  std::vector<std::string> varied;  ///< keys that the points set, in the order of the file
  std::string warning;              ///< something that its author may not have meant

  const char* command() const { return mode == Mode::event ? "replay" : "train"; }
};

/// Reads a study's file. `base` is the experiment file that the study names, where it was kept elsewhere. InputError
/// naming file and line for what is not as above.
Study load_study(const std::filesystem::path& file, const std::filesystem::path& base = {});

/// One run: a point with a seed.
struct StudyRun {
  std::string name;  ///< of its folder: "003-window-0.5-negatives-4-seed-1"
  std::size_t point = 0;
  std::int64_t seed = 0;
  std::vector<std::string> overrides;  ///< key=value, over the study's base text
  Experiment experiment;               ///< what they come to
};

/// Point after point, all seeds of each. InputError, with the line of the study's file, for a key or value that the
/// experiment refuses.
std::vector<StudyRun> study_runs(const Study& study);

}  // namespace saccade
