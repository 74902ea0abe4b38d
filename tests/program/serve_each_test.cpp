#include <doctest/doctest.h>

#include <array>
#include <atomic>

#include "data_folders.h"
#include "engine/error.h"
#include "program.h"
#include "served_run.h"

/// `serve --each`: a network for each stream, and a folder that is what a server of that stream alone leaves.
namespace saccade::program {
namespace {

const std::array<std::string, 2> names{"left", "right"};

struct Setting {
  Setting() {
    make_fashion_mnist(folder.path, 60, 40);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Outcome packed = run(Arguments{"pack", "--quiet", "--pixels", "--out", file(names[i]).string(), "--events",
                                           "40", "--set", "seed=" + std::to_string(i + 1)} +
                                 data());
      REQUIRE(packed.code == 0);
    }
  }
  fs::path file(const std::string& name) const { return folder.path / (name + ".views"); }
  fs::path of(const std::string& name) const { return out / name; }
  Arguments data() const { return {"--data", folder.path.string()}; }
  Arguments begin(const std::vector<std::string>& keys) const {
    Arguments line{"--each", "--out", out.string(), "--set", "stream.streams=2", "--set", "checkpoint.every=10"};
    for (const std::string& key : keys) line = line + Arguments{"--set", key};
    return line + data();
  }
  fs::path err() { return folder.path / ("serve-" + std::to_string(++servers_) + ".err"); }
  std::string replayed(const std::string& name, const Arguments& arguments) const {
    const fs::path to = folder.path / name;
    const Outcome outcome = run(arguments + Arguments{"--quiet", "--out", to.string()} + data());
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    return fingerprint(to);
  }

  TemporaryFolder folder;
  fs::path out = folder.path / "served";

 private:
  int servers_ = 0;
};

}  // namespace

TEST_CASE("serve --each: killed and resumed, each network has what was answered and comes to its own stream's bits") {
  Setting setting;
  std::array<std::uint64_t, 2> answered{};
  for (const int kill_after : {1, 25, 0}) {
    CAPTURE(kill_after);
    const bool first = kill_after == 1;
    ServedRun server(setting.err(), (first ? setting.begin({"events=40"})
                                           : Arguments{"--resume", setting.out.string()} + setting.data()) +
                                        Arguments{"--waiting", "4"});
    std::atomic<int> answers = 0;
    std::array<std::string, 2> faults;
    std::vector<std::thread> senders;
    for (std::size_t i = 0; i < names.size(); ++i)
      senders.emplace_back([&, i] {
        RecordedStream stream(setting.file(names[i]));
        SendWatch watch;
        watch.answer = [&, i](std::uint64_t event, const wire::Answer&, const SendCounts&) {
          answered[i] = event + 1;
          if (++answers == kill_after) server.send(SIGKILL);
        };
        try {
          send(stream, server.to_send(stream, names[i]), watch);
        } catch (const std::exception& error) {
          faults[i] = error.what();
        }
      });
    for (std::thread& sender : senders) sender.join();
    const Outcome outcome = server.wait();
    if (kill_after > 0) {
      CHECK(outcome.signal == SIGKILL);
      for (std::size_t i = 0; i < names.size(); ++i) {
        const std::vector<Event> sent = events_of(setting.file(names[i]));
        if (answered[i] == 0) continue;  // it may not have come at all
        const std::vector<Event> kept = events_of(setting.of(names[i]) / "arrivals.views.partial");
        CHECK(kept.size() >= answered[i]);
        CHECK(std::equal(kept.begin(), kept.end(), sent.begin(), test::same_event));
      }
      continue;
    }
    CHECK(faults[0] == "");
    CHECK(faults[1] == "");
    CHECK(outcome.code == 0);
    for (const std::string& name : names) CHECK(contains(outcome.out, name + ": 40 views"));
  }
  for (const std::string& name : names) {
    CAPTURE(name);
    const fs::path one = setting.of(name);
    const std::vector<Event> sent = events_of(setting.file(name)), arrived = events_of(one / "arrivals.views");
    CHECK(std::equal(arrived.begin(), arrived.end(), sent.begin(), sent.end(), test::same_event));
    CHECK(setting.replayed(name + "-again", {"replay", (one / "experiment.toml").string(), "--stream",
                                             (one / "arrivals.views").string()}) == fingerprint(one));
    CHECK(setting.replayed(name + "-direct", {"replay", "--stream", setting.file(name).string(), "--set",
                                              "checkpoint.every=10"}) == fingerprint(one));
    CHECK(text_of(setting.folder.path / (name + "-again") / "metrics.csv") == text_of(one / "metrics.csv"));
    CHECK(json_of(one / "summary.json")["served"]["streams"] == nlohmann::json{name});
    CHECK(json_of(one / "summary.json")["served"]["accepted"] == arrived.size());
  }
  CHECK(fingerprint(setting.of("left")) != fingerprint(setting.of("right")));
}

TEST_CASE("serve --each: Ctrl-C leaves runs that go on together, or one of them alone") {
  Setting setting;
  const auto send_all = [&](const ServedRun& server, const std::string& name) {
    RecordedStream stream(setting.file(name));
    return send(stream, server.to_send(stream, name));
  };
  {
    ServedRun server(setting.err(), setting.begin({}));
    CHECK(send_all(server, "left").answered > 40);
    // Another stream than may come, while the first two are there.
    CHECK(send_all(server, "right").answered > 40);
    RecordedStream stream(setting.file("left"));
    CHECK_THROWS_WITH(send(stream, server.to_send(stream, "third")), doctest::Contains("2 streams already"));
    server.send(SIGINT);
    const Outcome outcome = server.wait();
    CHECK(outcome.code == 130);
    CHECK(contains(outcome.out, "saccade serve --resume " + setting.out.string()));
  }
  CHECK_FALSE(fs::exists(setting.of("third")));
  const std::string left = fingerprint(setting.of("left"));
  CHECK(setting.replayed("left-again",
                         {"replay", "--stream", setting.file("left").string(), "--set", "rate.final=1"}) == left);
  {
    ServedRun alone(setting.err(), Arguments{"--resume", setting.of("left").string()} + setting.data());
    CHECK(send_all(alone, "left").skipped > 40);
    alone.send(SIGINT);
    CHECK(alone.wait().code == 130);
  }
  {
    ServedRun both(setting.err(), Arguments{"--resume", setting.out.string(), "--json"} + setting.data());
    for (const std::string& name : names) CHECK(send_all(both, name).answered == 0);
    both.send(SIGINT);
    const nlohmann::json said = nlohmann::json::parse(both.wait().out);
    CHECK(said.size() == 2);
    CHECK(said["left"]["fingerprint"] == left);
    CHECK(said["left"]["events"] == 40);
  }
  CHECK(fingerprint(setting.of("left")) == left);
  const auto refused = [](const Arguments& arguments, const std::vector<std::string>& parts) {
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
  };
  refused({"serve", "--each", "--resume", setting.of("left").string()}, {"--each", "each.toml"});
  refused({"serve", "--resume", setting.out.string(), "--set", "seed=2"}, {"leave out", "--set"});
  refused({"serve", "--each"}, {"--out DIR"});
  for (const Arguments& line :
       {Arguments{"replay", "--resume", setting.out.string()}, {"report", setting.out.string()}})
    refused(line, {"not the folder of a run", "runs in 2 folders below it, as " + setting.of("left").string()});
  refused({"serve", "--each", "--out", (setting.folder.path / "page").string(), "--page=127.0.0.1:0"},
          {"--page", "--each"});
  refused(Arguments{"serve", "--each", "--out", setting.out.string(), "--listen", "127.0.0.1:0"} + setting.data(),
          {"not empty"});
  refused({"serve", "--each", "--out", (setting.folder.path / "x").string(), "--set", "loss=simclr"}, {"loss"});
  // A run that has lost its experiment is told before anyone sends.
  const std::string experiment = text_of(setting.of("left") / "experiment.toml");
  fs::remove(setting.of("left") / "experiment.toml");
  refused({"serve", "--resume", setting.out.string()}, {"experiment.toml", "is not there", "put it back"});
  std::ofstream(setting.of("left") / "experiment.toml") << experiment;
  CHECK_FALSE(fs::exists(setting.folder.path / "page"));
  CHECK_FALSE(fs::exists(setting.folder.path / "x"));
}

TEST_CASE("a served network that diverges tells its sender that it has stopped, and says whose it is") {
  Setting setting;
  const fs::path many = setting.file("many");
  REQUIRE(
      run(Arguments{"pack", "--quiet", "--pixels", "--out", many.string(), "--events", "4000"} + setting.data()).code ==
      0);
  for (const bool each : {false, true}) {
    CAPTURE(each);
    setting.out = setting.folder.path / (each ? "each" : "one");
    const fs::path err = setting.err();
    Arguments line = setting.begin(
        {"rate=1e10", "network.embedding=4", "network.layers=[{channels=3, pool=true, activation=\"none\"}]"});
    if (!each) line.erase(line.begin());
    ServedRun server(err, line);
    RecordedStream stream(many);
    CHECK_THROWS_WITH_AS(send(stream, server.to_send(stream, "many")),
                         doctest::Contains("the network that this stream feeds has stopped: "), SystemError);
    if (each) {
      stream.seek(0);
      SendOptions again = server.to_send(stream, "many");
      again.retries = 100;  // the first connection may not be over yet
      CHECK_THROWS_WITH_AS(send(stream, again), doctest::Contains("has stopped: "), InputError);
      server.send(SIGINT);
    }
    const Outcome outcome = server.wait();
    CHECK(outcome.code == 1);
    CHECK(contains(text_of(err), each ? setting.of("many").string() + ": stopped: diverged after "
                                      : "saccade: stopped: diverged after "));
    CHECK(json_of((each ? setting.of("many") : setting.out) / "summary.json")["diverged"] == true);
  }
}

TEST_CASE("serve --each: a network that has ended takes no more, and the others go on") {
  Setting setting;
  const fs::path err = setting.err();
  ServedRun server(err, setting.begin({"events=20"}));
  RecordedStream left(setting.file("left")), right(setting.file("right"));
  CHECK_THROWS_WITH(send(left, server.to_send(left, "each.toml")), doctest::Contains("a file of this name"));
  left.seek(0);
  CHECK_THROWS_WITH(send(left, server.to_send(left, "left")), doctest::Contains("the run has its 20 views"));
  REQUIRE(eventually([&] { return fs::exists(setting.of("left") / "summary.json"); }));
  left.seek(0);
  CHECK_THROWS_WITH(send(left, server.to_send(left, "left")), doctest::Contains("the run has its 20 views"));
  CHECK_THROWS_WITH(send(right, server.to_send(right, "right")), doctest::Contains("the run has its 20 views"));
  CHECK(server.wait().code == 0);
  CHECK(contains(text_of(err), "connections of no stream: 0 turned away, 1 refused"));
  for (const std::string& name : names) {
    CHECK(json_of(setting.of(name) / "summary.json")["events"] == 20);
    CHECK(fs::exists(setting.of(name) / "arrivals.views"));
  }
}

}  // namespace saccade::program
