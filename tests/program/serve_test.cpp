#include <doctest/doctest.h>

#include <thread>

#include "data_folders.h"
#include "killed_run.h"
#include "served_run.h"

/// Promise 2 for a served stream: what was answered is there, and the run goes on to the same bits.
namespace saccade::program {
namespace {

using Events = std::vector<Event>;

/// A server, and one who sends it a recording as fast as it takes it.
class Sitting {
 public:
  /// `err`: where the server's standard error goes.
  Sitting(const fs::path& recording, const fs::path& err, const Arguments& arguments)
      : stream_(recording), server_(err, arguments) {
    options_ = server_.to_send(stream_);
  }

  /// Until all is answered, or the server is gone.
  void send() {
    SendWatch watch;
    watch.answer = [&](std::uint64_t event, const wire::Answer&, const SendCounts& counts) {
      skipped = counts.skipped;
      answered = event + 1;
      if (each_answer) each_answer();
    };
    try {
      const SendCounts counts = saccade::send(stream_, options_, watch);
      skipped = counts.skipped;
      answered = counts.skipped + counts.answered;
    } catch (const std::exception& gone) {
      lost = gone.what();
    }
  }
  ServedRun& server() { return server_; }

  std::function<void()> each_answer;
  std::uint64_t answered = 0;  ///< events that are acknowledged, those of earlier sittings among them
  std::uint64_t skipped = 0;   ///< of those, what the server said it had
  std::string lost;            ///< why not all was answered

 private:
  RecordedStream stream_;
  ServedRun server_;
  SendOptions options_;
};

/// A recording of 60 views; what serves it.
struct Served {
  Served() {
    make_fashion_mnist(folder.path, 60, 40);
    REQUIRE(run(Arguments{"pack", "--quiet", "--pixels", "--out", file.string(), "--events", "60"} + data).code == 0);
    sent = events_of(file);
  }
  Arguments begin(const fs::path& out) const {
    return Arguments{"--out",     out.string(), "--waiting",        "2",     "--set",
                     "events=60", "--set",      "stream.streams=1", "--set", "checkpoint.every=10"} +
           data;
  }
  Arguments resume(const fs::path& out) const { return Arguments{"--resume", out.string(), "--waiting", "2"} + data; }
  /// Another place each time.
  fs::path err() { return folder.path / ("serve-" + std::to_string(sittings++) + ".err"); }
  std::string replayed(const std::string& name, const Arguments& arguments) const {
    const Outcome outcome =
        run(Arguments{"replay", "--quiet", "--out", (folder.path / name).string()} + arguments + data);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    return fingerprint(folder.path / name);
  }
  /// What was answered is in the recording of a server that was killed, as it was sent.
  void check_kept(const fs::path& out, std::uint64_t answered) const {
    const Events kept = events_of(out / "arrivals.views.partial");
    REQUIRE(kept.size() >= answered);
    REQUIRE(std::equal(kept.begin(), kept.end(), sent.begin(), test::same_event));
  }
  void check_whole(const fs::path& out) const {
    const Events arrived = events_of(out / "arrivals.views");
    REQUIRE(std::equal(arrived.begin(), arrived.end(), sent.begin(), sent.end(), test::same_event));
  }

  TemporaryFolder folder;
  fs::path file = folder.path / "F.views";
  Arguments data{"--data", folder.path.string()};
  Events sent;
  int sittings = 0;
};

}  // namespace

TEST_CASE("a server that is killed again and again has what it answered, and goes on to the same bits") {
  Served served;
  const fs::path out = served.folder.path / "served";
  std::uint64_t answered = 0;  // events, over all sittings
  for (const int kill_after : {1, 12, 5, 17, 0}) {
    CAPTURE(kill_after);
    Sitting sitting(served.file, served.err(), answered == 0 ? served.begin(out) : served.resume(out));
    int answers = 0;
    sitting.each_answer = [&] {
      if (++answers == kill_after) sitting.server().send(SIGKILL);
    };
    sitting.send();
    CHECK(sitting.skipped >= answered);
    answered = sitting.answered;
    if (kill_after == 0) {
      CHECK(sitting.lost == "");
      CHECK(answered == served.sent.size());
      CHECK(sitting.server().wait().code == 0);
      break;
    }
    CHECK(sitting.lost != "");
    REQUIRE(sitting.server().wait().signal == SIGKILL);
    REQUIRE(answers >= kill_after);
    served.check_kept(out, answered);
  }
  served.check_whole(out);
  CHECK(served.replayed("again", {(out / "experiment.toml").string(), "--stream", (out / "arrivals.views").string()}) ==
        fingerprint(out));
  CHECK(served.replayed("direct", {"--stream", served.file.string()}) == fingerprint(out));
}

TEST_CASE("kill -9, counted in files: a served run") {
  Served served;
  const fs::path whole = served.folder.path / "whole", out = served.folder.path / "out";
  fresh(whole);
  std::size_t listening = 0, all = 0;
  {
    Watch watch(whole);
    Sitting sitting(served.file, served.err(), served.begin(whole));
    listening = watch.now();
    sitting.send();
    watch.until(~std::size_t{0}, sitting.server());
    REQUIRE(sitting.server().wait().code == 0);
    all = watch.now();
  }
  const auto expected = result_of(whole);
  const std::size_t count = moments(4);
  std::size_t killed = 0;
  for (std::size_t moment = 0; moment < count; ++moment) {
    CAPTURE(moment);
    CAPTURE(listening);
    CAPTURE(all);
    fresh(out);
    std::uint64_t answered = 0;
    {
      Watch watch(out);
      Sitting sitting(served.file, served.err(), served.begin(out));
      std::thread sender([&] { sitting.send(); });
      killed += watch.until(listening + 1 + moment * (all - listening) / count, sitting.server());
      sitting.server().send(SIGKILL);
      sender.join();
      answered = sitting.answered;
    }
    if (fs::exists(out / "arrivals.views.partial"))
      served.check_kept(out, answered);
    else
      served.check_whole(out);
    if (!fs::exists(out / "summary.json")) {
      Sitting sitting(served.file, served.err(), served.resume(out));
      sitting.send();
      CHECK(sitting.lost == "");
      CHECK(sitting.skipped >= answered);
      REQUIRE(sitting.server().wait().code == 0);
    }
    served.check_whole(out);
    REQUIRE(result_of(out) == expected);
  }
  CHECK(killed >= count * 3 / 4);
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
  const nlohmann::json trace = nlohmann::json::parse(run({"inspect", (out / "events.trace").string(), "--json"}).out);
  CHECK(trace["fixations"] == told["fixations"]);

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
