#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "program/watched_run.h"

/// The page of a run, as its clients see it without a browser; tests/program/browser_test.cpp has one.
namespace saccade::program {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

const std::vector<std::string> short_run = {"images=300", "events=3000", "checkpoint.every=0", "probe.enabled=false"};

bool paused(const Json& now) { return now["paused"]; }

}  // namespace

TEST_CASE("the page changes no bit: watched, paused, stepped, slowed, left and abused") {
  const TemporaryFolder temporary;
  REQUIRE(run(replay(temporary.path / "alone", short_run)).code == 0);
  const Json alone = json_of(temporary.path / "alone" / "summary.json");
  REQUIRE(alone["updates"] > 0);

  WatchedRun watched(replay(temporary.path / "watched", short_run));
  const Watching never_reads(watched);
  {
    Watching first(watched);
    first.say("pause");
    const std::uint64_t events = first.until(paused)["events"];
    REQUIRE(events < 2900);
    for (std::uint64_t step = 1; step <= 5; ++step) {
      first.say("step");
      const Json now = first.until([&](const Json& each) { return each["events"] > events + step - 1; });
      CHECK(now["events"] == events + step);
      CHECK(now["view"]["event"] == events + step - 1);
      CHECK(now["paused"] == true);
    }
    first.say("speed 100");
    first.say("resume");
    first.until([&](const Json& now) { return now["events"] > events + 20; });
  }  // left without a word
  {
    Watching rude(watched);
    rude.say("rm -rf /");
    CHECK(rude.socket().end() == "1008 unknown command");
    CHECK(web::get(watched.port(), "/../../etc/passwd").starts_with("HTTP/1.1 404"));
    CHECK_THROWS(web::Socket(watched.port(), "/live", "evil.example"));
  }
  Watching last(watched);
  const Json description = last.hear("run")["run"];
  CHECK(description["schedule"] == "rll");
  CHECK(description["length"] == 3000);
  CHECK(description["layers"].size() == 3);
  last.say("speed max");
  Json end;
  while (end.is_null()) end = last.hear("run")["end"];
  const Outcome outcome = watched.process().wait();
  CHECK(outcome.code == 0);
  Json summary = json_of(temporary.path / "watched" / "summary.json");
  CHECK(summary["fingerprint"] == alone["fingerprint"]);
  CHECK(end["fingerprint"] == alone["fingerprint"]);
  CHECK(end["updates"] == alone["updates"]);
  CHECK(text_of(temporary.path / "watched" / "metrics.csv") == text_of(temporary.path / "alone" / "metrics.csv"));
  CHECK(text_of(temporary.path / "watched" / "events.trace") == text_of(temporary.path / "alone" / "events.trace"));
}

TEST_CASE("what the page tells is what the trace holds") {
  const TemporaryFolder temporary;
  WatchedRun watched(replay(temporary.path / "run", {"images=300", "events=100000", "probe.enabled=false",
                                                     "schedule=pll", "memory.trace=exponential"}));
  Watching client(watched);
  client.say("pause");
  const std::uint64_t events = client.until(paused)["events"];
  Json learner;
  for (std::uint64_t next = events + 1; learner.is_null(); ++next) {
    client.say("step");
    const Json now = client.until([&](const Json& each) { return each["events"] == next; });
    if (now["view"]["role"] == "learner") learner = now;
  }
  CHECK(learner["view"]["layers"] == Json{0, 1, 2});
  REQUIRE(learner["comparisons"].size() >= 1);
  std::map<int, Json> slots;
  for (const Json& anchor : learner["memory"]) slots[anchor["slot"]] = anchor;
  int positives = 0;
  for (const Json& comparison : learner["comparisons"]) {
    positives += comparison["positive"] == true;
    CHECK(comparison["terms"].size() == 3);
    const double age = comparison["age"];
    CHECK(comparison["strength"].get<double>() == doctest::Approx(std::exp(-age)).epsilon(0.001));
    REQUIRE(slots.contains(comparison["slot"]));
    CHECK(slots[comparison["slot"]]["age"] == comparison["age"]);
    CHECK(slots[comparison["slot"]]["picture"].get<std::string>().size() > 1000);  // 28 x 28 bytes
  }
  CHECK(positives == 1);
  const std::uint64_t event = learner["view"]["event"];
  watched.process().send(SIGINT);
  CHECK(watched.process().wait().code == 130);
  const Outcome shown = run({"inspect", (temporary.path / "run" / "events.trace").string(), "--show", "1000000"});
  // The distance of the positive to the top layer, as the page rounds it.
  CHECK(shown.code == 0);
  CHECK(contains(shown.out, std::to_string(event)));
}

TEST_CASE("Ctrl-C ends a run that is held, and leaves a checkpoint to go on from") {
  const TemporaryFolder temporary;
  const std::vector<std::string> keys = {"images=300", "events=2000", "checkpoint.every=0", "probe.enabled=false"};
  REQUIRE(run(replay(temporary.path / "alone", keys)).code == 0);
  WatchedRun watched(replay(temporary.path / "held", keys));
  Watching client(watched);
  client.say("pause");
  const std::uint64_t events = client.until(paused)["events"];
  REQUIRE(events < 2000);
  std::this_thread::sleep_for(300ms);
  const auto begin = std::chrono::steady_clock::now();
  watched.process().send(SIGINT);
  Json end;
  while (end.is_null()) end = client.hear("run")["end"];
  CHECK(end["interrupted"] == true);
  CHECK(watched.process().wait().code == 130);
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  const Json summary = json_of(temporary.path / "held" / "summary.json");
  CHECK(summary["events"] == events);
  // Time that a page holds a run is no time of learning.
  CHECK(summary["seconds"].get<double>() < 0.3 + 0.01 * static_cast<double>(events));

  // Paused for good by one that left, a run that is resumed begins unpaused.
  REQUIRE(run({"replay", "--quiet", "--resume", (temporary.path / "held").string()}).code == 0);
  CHECK(json_of(temporary.path / "held" / "summary.json")["fingerprint"] ==
        json_of(temporary.path / "alone" / "summary.json")["fingerprint"]);
}

TEST_CASE("--page-stay: the page stays when the run is over, until Ctrl-C") {
  const TemporaryFolder temporary;
  WatchedRun watched(replay(temporary.path / "run", {"images=100", "events=20"}) + Arguments{"--page-stay"});
  REQUIRE(eventually([&] { return contains(watched.said(), "the page stays until Ctrl-C"); }));
  CHECK(json_of(temporary.path / "run" / "summary.json")["events"] == 20);
  {
    Watching late(watched);
    const Json message = late.hear("run");
    CHECK(message["phase"] == "ended");
    CHECK(message["end"]["events"] == 20);
    CHECK(late.hear("now")["events"] == 20);
  }
  CHECK_FALSE(watched.process().ended());
  watched.process().send(SIGINT);
  CHECK(watched.process().wait().code == 0);
}

TEST_CASE("--page at all addresses says one that can be opened") {
  const TemporaryFolder temporary;
  const fs::path secret = temporary.path / "token";
  write_secret(secret, "0123456789abcdef\n");
  const Arguments line = replay(temporary.path / "run", {"images=100", "events=20"}) +
                         Arguments{"--page=0.0.0.0:0", "--token-file", secret.string()};
  const Outcome outcome = run(line);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.err, "saccade: watch it learn at http://127.0.0.1:"));
  CHECK(contains(outcome.err, "all addresses of this machine"));
  CHECK_FALSE(contains(outcome.err, "0.0.0.0"));
}

TEST_CASE("--page: what cannot be served is refused before anything is written") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run", secret = temporary.path / "token";
  const auto refused = [&](const Arguments& more, const std::vector<std::string>& parts) {
    const Arguments arguments = replay(out, {"images=100", "events=20"}) + more;
    const std::string fault = refusal_fault(run(arguments), arguments, parts);
    CHECK_MESSAGE(fault.empty(), fault);
    CHECK_FALSE(fs::exists(out));
  };
  refused({"--page-stay"}, {"--page"});
  refused({"--token-file", secret.string()}, {"--page"});
  refused({"--page=example.org:80"}, {"--page example.org:80", "an IP address"});
  refused({"--page=127.0.0.1:70000"}, {"127.0.0.1:70000"});
  refused({"--page=0.0.0.0:0"}, {"0.0.0.0:0", "--token-file"});
  refused({"--page=127.0.0.1:0", "--token-file", secret.string()}, {secret.string()});
  write_secret(secret, "short\n");
  refused({"--page=0.0.0.0:0", "--token-file", secret.string()}, {secret.string(), "5 characters"});
  const web::asio::ip::tcp::endpoint any = web::loopback(0);
  web::asio::io_context context;
  web::tcp::acceptor taken(context, any);
  const std::string port = std::to_string(taken.local_endpoint().port());
  refused({"--page=" + port}, {"127.0.0.1:" + port, "in use"});
}

}  // namespace saccade::program
