#include <doctest/doctest.h>

#include "program/program.h"
#include "streams/load.h"
#include "tools/archive_server.h"
#include "tools/fetch/catalogue.h"

/// `saccade fetch` from a server on loopback with the very archives that are published: Debian's package of
/// Fashion-MNIST holds them, less the name and the time in gzip's header, and the published sums say whether they are
/// put back right.
namespace saccade::program {
namespace {

const std::vector<std::string> archives{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                                        "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
const fs::path debian = "/usr/share/datasets/fashion-mnist";

test::Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/// RFC 1952: two bytes of magic, the method, flags (8: a name follows), the time in 4 bytes, 2 more, then the name.
test::Bytes published(const std::string& archive) {
  std::string bytes = text_of(debian / archive);
  const std::uint32_t time = archive.starts_with("train") ? 1504176606 : 1504176627;  // 2017-08-31 10:50
  bytes[3] = 8;
  for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(time >> 8 * i);
  bytes.insert(10, std::string(archive, 0, archive.size() - 3) + '\0');
  return bytes_of(bytes);
}

void serve_fashion_mnist(test::ArchiveServer& server) {
  for (const std::string& archive : archives) server.put(archive, published(archive));
}

Arguments fetch_fashion(const fs::path& data, const std::string& url) {
  return {"fetch", "fashion-mnist", "--quiet", "--data", data.string(), "--url", url};
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

TEST_CASE("fetch: Fashion-MNIST as it is published, killed, interrupted, out of room, and whole in the end") {
  test::ArchiveServer server;
  const TemporaryFolder temporary;
  const fs::path data = temporary.path / "data", set = data / "fashion-mnist",
                 part = data / "fashion-mnist.fetch" / archives[0];
  serve_fashion_mnist(server);
  const Arguments arguments = fetch_fashion(data, server.url());

  // kill -9 while the server is silent.
  server.next({.cut = 3'000'000, .silent = true});
  {
    Process killed(arguments);
    REQUIRE(eventually([&] { return size_of(part) == 3'000'000; }));
    killed.send(SIGKILL);
    CHECK(killed.wait().signal == SIGKILL);
  }
  CHECK(!fs::exists(set));

  // Ctrl-C, likewise.
  server.next({.cut = 2'000'000, .silent = true});
  {
    Process stopped(arguments);
    REQUIRE(eventually([&] { return size_of(part) == 5'000'000; }));
    stopped.send(SIGINT);
    const Outcome outcome = stopped.wait();
    CHECK(outcome.code == 130);
    CHECK(outcome.out == "");
    CHECK(outcome.err == "saccade: interrupted; the same command goes on where it stopped\n");
  }
  CHECK(!fs::exists(set));

  // A limit of 10,000 blocks of 512 bytes, which is met as a full disk is.
  const Outcome full = run(arguments, {}, {"sh", "-c", "ulimit -f 10000; exec \"$@\"", "sh"});
  CHECK(full.code == 1);
  CHECK(count(full.err, "\n") == 1);
  CHECK(contains(full.err, part.string()));
  CHECK(contains(full.err, "File too large"));
  CHECK(size_of(part) == 5'120'000);
  CHECK(!fs::exists(set));

  const Outcome whole = run(arguments);
  CHECK(whole.err == "");
  CHECK(whole.code == 0);
  CHECK(whole.out == "fashion-mnist: " + set.string() + ", 54 MB\n");
  using Requests = std::vector<test::ArchiveServer::Request>;
  CHECK(server.requests() == Requests{{"/" + archives[0], ""},
                                      {"/" + archives[0], "bytes=3000000-"},
                                      {"/" + archives[0], "bytes=5000000-"},
                                      {"/" + archives[0], "bytes=5120000-"},
                                      {"/" + archives[1], ""},
                                      {"/" + archives[2], ""},
                                      {"/" + archives[3], ""}});
  CHECK(!fs::exists(data / "fashion-mnist.fetch"));
  const DataSet found = load_data("fashion-mnist", data, 0), expected = load_data("fashion-mnist", temporary.path, 0);
  CHECK(found.train.pixels == expected.train.pixels);
  CHECK(found.train.labels == expected.train.labels);
  CHECK(found.test.pixels == expected.test.pixels);
  CHECK(found.test.labels == expected.test.labels);

  // Again: nobody is asked, whatever the source.
  const Outcome again =
      run({"fetch", "fashion-mnist", "--json"}, {{"SACCADE_DATA", data.string()}, {"SACCADE_FETCH_URL", server.url()}});
  CHECK(again.code == 0);
  const auto json = nlohmann::json::parse(again.out);
  CHECK(json == nlohmann::json{{{"name", "fashion-mnist"}, {"folder", set.string()}, {"was_there", true}}});
  CHECK(server.requests().empty());
}

TEST_CASE("fetch: a wrong byte, another data set's files, nobody there") {
  test::ArchiveServer server;
  const TemporaryFolder temporary;
  const fs::path data = temporary.path / "data";
  serve_fashion_mnist(server);
  test::Bytes wrong = published(archives[3]);
  wrong.back() ^= 1;
  server.put(archives[3], wrong);
  const Arguments arguments = fetch_fashion(data, server.url());
  CHECK(refusal_fault(run(arguments), arguments,
                      {server.url() + "/" + archives[3], "SHA-256", "expected 67da17c76eaffca5446c3361aaab5c3c"}) ==
        "");
  CHECK(!fs::exists(data / "fashion-mnist"));
  // The other three are kept.
  server.requests();
  server.put(archives[3], published(archives[3]));
  CHECK(run(arguments).code == 0);
  CHECK(server.requests().size() == 1);

  Arguments mnist = arguments;
  mnist[1] = "mnist";
  CHECK(refusal_fault(run(mnist), mnist, {"26421880 bytes", "expected 9912422"}) == "");
  mnist.back() = "http://127.0.0.1:1";
  const Outcome nobody = run(mnist);
  CHECK(nobody.code == 1);
  CHECK(nobody.out == "");
  CHECK(count(nobody.err, "\n") == 1);
  CHECK(contains(nobody.err, "saccade: http://127.0.0.1:1/train-images-idx3-ubyte.gz: Failed to connect"));
  CHECK(!fs::exists(data / "mnist.fetch"));
}

TEST_CASE("fetch: the list") {
  const TemporaryFolder temporary;
  const Outcome plain = run({"fetch", "--list"});
  CHECK(plain.code == 0);
  for (const PublishedSet& set : published_sets())
    CHECK(contains(plain.out, "\n" + set.name + ": ") != plain.out.starts_with(set.name));
  CHECK(contains(plain.out, "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"));
  CHECK(!contains(plain.out, "there"));
  const Outcome outcome = run({"fetch", "--list", "--json", "--data", temporary.path.string()});
  const auto json = nlohmann::json::parse(outcome.out);
  REQUIRE(json.size() == 6);
  for (const auto& set : json) {
    CHECK(set["complete"] == false);
    for (const auto& archive : set["archives"]) CHECK(archive["sha256"].get<std::string>().size() == 64);
  }
}

TEST_CASE("fetch: command lines that are refused") {
  const TemporaryFolder temporary;
  const std::string data = temporary.path / "data", file = temporary.path / "file";
  std::ofstream(file) << "mine";
  const auto refuse = [&](const Arguments& arguments, const std::vector<std::string>& parts) {
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
    CHECK(!fs::exists(data));
  };
  refuse({"fetch"}, {"--list"});
  refuse({"fetch", "cifar10"}, {"--data DIR", "SACCADE_DATA"});
  refuse({"fetch", "cifar10", "cifar11", "--data", data}, {"cifar11", "cifar100"});
  refuse({"fetch", "cifar10", "--list"}, {"--list"});
  refuse({"fetch", "cifar10", "--data"}, {"--data"});
  const Outcome below = run({"fetch", "cifar10", "--data", file + "/data"});
  CHECK(below.code == 1);
  CHECK(contains(below.err, file + "/data"));
}

}  // namespace saccade::program
