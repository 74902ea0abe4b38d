#include <doctest/doctest.h>

#include "data_folders.h"
#include "program.h"
#include "served_run.h"

/// Promise 2 for a served stream: what was answered is there, and the run goes on to the same bits.
namespace saccade::program {
namespace {

using Events = std::vector<Event>;

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
    const SendOptions options = server.to_send(stream);
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

TEST_CASE("a server that is stopped tells what it knows, and goes on: its counts are of the whole run") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "F.views", out = folder.path / "served", err = folder.path / "err";
  const Arguments data{"--data", folder.path.string()};
  make_fashion_mnist(folder.path, 60, 40);
  REQUIRE(run(Arguments{"pack", "--quiet", "--pixels", "--out", file.string(), "--events", "20"} + data).code == 0);
  RecordedStream stream(file);
  const auto served = [&] { return json_of(out / "summary.json")["served"]; };
  {
    ServedRun server(err, Arguments{"--out", out.string(), "--set", "stream.streams=2"} + data);
    server.send(SIGINT);
    const Outcome outcome = server.wait();
    CHECK(outcome.code == 130);
    CHECK(contains(outcome.out, "0 views of 0 streams"));
    CHECK(contains(outcome.out, "loss none yet"));
  }
  CHECK(json_of(out / "summary.json")["loss"].is_null());
  CHECK(served()["connections"] == 0);
  std::uint64_t events = 0;
  for (const std::string name : {"one", "two"}) {
    ServedRun server(folder.path / (name + ".err"), Arguments{"--resume", out.string()} + data);
    stream.seek(0);
    const SendCounts sent = send(stream, server.to_send(stream, name));
    CHECK(sent.views == 20);
    events += sent.answered;
    server.send(SIGINT);
    const Outcome outcome = server.wait();
    CHECK(outcome.code == 130);
    CHECK_FALSE(contains(outcome.out, "loss none yet"));  // of a stretch that is not whole
  }
  CHECK(served()["connections"] == 2);
  CHECK(served()["accepted"] == events);
  CHECK(served()["streams"] == nlohmann::json{"one", "two"});
  CHECK(served()["dropped"] == 0);

  const nlohmann::json told = nlohmann::json::parse(run({"inspect", (out / "arrivals.views").string(), "--json"}).out);
  CHECK(told["whole"] == true);
  CHECK(told["most_streams"] == 2);
  REQUIRE(told["streams"].size() == 2);
  CHECK(told["streams"][0]["name"] == "one");
  CHECK(told["streams"][1]["name"] == "two");
  for (const auto& each : told["streams"]) CHECK(each["records"]["view"] == 20);
  CHECK(told["fixations"] == told["streams"][0]["fixations"].get<int>() + told["streams"][1]["fixations"].get<int>());
  CHECK(contains(run({"inspect", (out / "arrivals.views").string()}).out, "two: 20 views"));

  // The report again, of what was recorded: the views too, without the data set.
  const std::string before = text_of(out / "report.html");
  CHECK(contains(before, "data:image/png;base64,"));
  const Outcome again = run({"report", out.string()});
  CHECK(again.code == 0);
  CHECK(again.err == "");
  CHECK(text_of(out / "report.html") == before);
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
