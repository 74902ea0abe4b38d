#include <optional>

#include "program/study_fixture.h"

/// `saccade sweep --slurm`.
namespace saccade::program {
namespace {

/// Runs a shell's line beside a Slurm of its own, "$0" being the program, "$1" the study's file and "$2" its folder.
/// Nothing, and a message, where there is no Slurm.
std::optional<Outcome> under_slurm(const StudyFixture& fixture, const std::string& line) {
  const fs::path script = fs::path(SACCADE_TESTS) / "program" / "with_slurm.sh";
  const std::string quiet = "idle() { while [ -n \"$(squeue --noheader)\" ]; do sleep 0.2; done; }\nset -e\n";
  Outcome outcome = Process(Process::WholeLine{{script.string(), "bash", "-c", quiet + line, SACCADE_PROGRAM,
                                                fixture.file.string(), fixture.out.string()}})
                        .wait();
  if (outcome.code != 77) return outcome;
  MESSAGE("skipped: " << outcome.err);
  return {};
}

}  // namespace

TEST_CASE("--slurm writes an array of parts and what joins them") {
  const StudyFixture fixture;
  const Outcome outcome = run(fixture.begin({"--slurm", "--cpus", "3", "--memory", "5G", "--time", "1:00:00",
                                             "--partition", "fast", "--sbatch", "--account=me"}));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(contains(outcome.out, "submit.sh"));
  const std::string part = text_of(fixture.out / "slurm/part.sbatch");
  for (const char* line :
       {"#SBATCH --array=1-3\n", "#SBATCH --cpus-per-task=3\n", "#SBATCH --mem=5G\n", "#SBATCH --time=1:00:00\n",
        "#SBATCH --partition=fast\n", "#SBATCH --account=me\n", "--shard \"$SLURM_ARRAY_TASK_ID/3\" --jobs 3"})
    CHECK_MESSAGE(contains(part, line), line);
  CHECK(contains(text_of(fixture.out / "slurm/merge.sbatch"), "sweep --merge '" + fixture.out.string() + "'"));
  CHECK(contains(text_of(fixture.out / "slurm/submit.sh"), "afterany"));
  CHECK(!fs::exists(fixture.out / "runs"));
  const Arguments wrong = fixture.resume({"--slurm", "--partition", "a\"b"});
  CHECK(refusal_fault(run(wrong), wrong, {"--partition=a", "quotation mark"}) == "");
  const Arguments alone = fixture.resume({"--submit"});
  CHECK(refusal_fault(run(alone), alone, {"--submit belongs to --slurm"}) == "");
}

TEST_CASE("a study under a real Slurm comes to the same table") {
  const StudyFixture fixture;
  const auto outcome =
      under_slurm(fixture, "\"$0\" sweep \"$1\" --out \"$2\" --slurm --tasks 3 --memory 100M --time 10 --submit\nidle");
  if (!outcome) return;
  INFO(outcome->err);
  REQUIRE(outcome->code == 0);
  CHECK(contains(outcome->out, "submitted: 3 parts"));
  CHECK(fixture.results() == whole().results());
  CHECK(contains(text_of(fixture.out / "slurm/merge.log"), "8 of 8 runs finished"));
}

TEST_CASE("a study whose time under Slurm is up goes on when it is submitted again") {
  const StudyFixture fixture(longer);
  const auto outcome = under_slurm(fixture, R"sh(
"$0" sweep "$1" --out "$2" --slurm --tasks 2 --memory 100M --time 10 --submit
until ls "$2"/runs/*/summary.json >"$2/found" 2>&1; do sleep 0.05; done
scancel --batch --signal=TERM $(squeue --noheader --states=RUNNING --format=%A)   # what --signal=B:TERM@120 comes to
idle
! "$0" sweep --merge "$2" >"$2/found"
sh "$2/slurm/submit.sh"
idle)sh");
  if (!outcome) return;
  INFO(outcome->err);
  REQUIRE(outcome->code == 0);
  CHECK(contains(text_of(fixture.out / "slurm/part-1.log"), "interrupted; go on with"));
  CHECK(fixture.results() == longer_results());
}

}  // namespace saccade::program
