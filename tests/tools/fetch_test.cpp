#include "tools/fetch/fetch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/error.h"
#include "streams/load.h"
#include "tools/archive_server.h"
#include "tools/fetch/checksum.h"
#include "tools/fetch/unpack.h"
#include "tools/lock_folder.h"
#include "tools/make_archive.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;
using test::Behaviour;
using test::Bytes;
using test::Entry;
using test::message_of;
using test::noise;
using test::says;
using Requests = std::vector<test::ArchiveServer::Request>;

const Tick no_tick = [](std::uint64_t) {};
const Patience one_attempt{5, 1, 1};

std::string sum_of(const Bytes& bytes) {
  const TemporaryFolder folder;
  test::write_file(folder.path / "file", bytes);
  return sha256_of(folder.path / "file", no_tick);
}

Bytes bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Every file below a folder, by its path there.
std::map<std::string, Bytes> files_in(const fs::path& folder) {
  std::map<std::string, Bytes> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = bytes_of(entry.path());
  return files;
}

const Bytes a = noise(300'000, 1), b = noise(7, 2);

/// A small published set, a server that has it, and a folder to fetch it into.
struct Place {
  explicit Place(const std::vector<Entry>& entries = {{"in/readme", noise(9, 3)}, {"in/a.bin", a}, {"in/b.bin", b}})
      : archive(test::make_archive(entries)),
        set{"small",
            "small-set",
            {{server.url() + "/small.tar.gz",
              archive.size(),
              sum_of(archive),
              {{"in/a.bin", a.size()}, {"in/b.bin", b.size()}}}}} {
    server.put("small.tar.gz", archive);
  }

  FetchResult fetch(const Patience& patience = one_attempt) {
    return saccade::fetch(set, data(), {{}, patience, true});
  }
  fs::path data() const { return folder.path / "data"; }
  fs::path part() const { return data() / "small.fetch" / "small.tar.gz"; }
  bool is_whole() const {
    return files_in(folder.path) ==
               std::map<std::string, Bytes>{{"data/small-set/a.bin", a}, {"data/small-set/b.bin", b}} &&
           !fs::exists(data() / "small.fetch");
  }

  test::ArchiveServer server;
  TemporaryFolder folder;
  Bytes archive;
  PublishedSet set;
};

/// What unpacking archives of one or two members says.
std::string unpacking_fault(const Bytes& bytes, const std::string& name, const std::vector<Member>& members) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "below" / name, out = folder.path / "below" / "out";
  test::write_file(file, bytes);
  fs::create_directory(out);
  const Archive archive{"http://host/" + name, bytes.size(), "", members};
  return message_of<InputError>([&] { unpack(file, archive, out, no_tick); });
}

}  // namespace

TEST_CASE("fetch: SHA-256 of published vectors") {
  // FIPS 180-4, examples of NIST.
  CHECK(sum_of({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sum_of({'a', 'b', 'c'}) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sum_of(Bytes(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("fetch: the catalogue is consistent and names what load_data reads") {
  std::set<std::string> names, folders, sums;
  for (const PublishedSet& set : published_sets()) {
    CAPTURE(set.name);
    const auto& known = data_names();
    CHECK(std::find(known.begin(), known.end(), set.name) != known.end());
    CHECK(names.insert(set.name).second);
    CHECK(folders.insert(set.folder).second);
    for (const Archive& archive : set.archives) {
      CAPTURE(archive.url);
      CHECK(archive.url.starts_with("http"));
      CHECK(archive.sha256.size() == 64);
      CHECK(archive.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
      CHECK(sums.insert(archive.sha256).second);
      CHECK(!archive.members.empty());
      for (const Member& member : archive.members) CHECK(member.size > 0);
      if (!archive.file_name().ends_with(".tar.gz") && archive.file_name().ends_with(".gz"))
        CHECK(archive.members.at(0).path == archive.file_name());
    }
    // Files of these names and sizes, black images of the first class, are a data set for load_data.
    if (set.name == "stl10") continue;  // 3 GB
    const TemporaryFolder folder;
    for (const Archive& archive : set.archives) {
      for (const Member& member : archive.members) {
        const fs::path file = folder.path / set.folder / member.file_name();
        const bool images = member.path.find("images") != std::string::npos;
        const auto count = static_cast<std::uint32_t>(images ? (member.size - 16) / 784 : member.size - 8);
        if (!set.name.starts_with("cifar")) {
          test::write_file(file, images ? test::idx({count, 28, 28}, {}) : test::idx({count}, Bytes(count, 1)));
        } else {
          test::write_file(file, {});
        }
        fs::resize_file(file, member.size);
      }
    }
    CHECK(what_lacks(set, folder.path) == "");
    CHECK(load_data(set.name, folder.path, 10).train.size() == 10);
  }
}

TEST_CASE("fetch: a .tar.gz, whole; a second call asks nobody") {
  Place place;
  CHECK(what_lacks(place.set, place.data()) == (place.data() / "small-set").string() + ": no such folder");
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.is_whole());
  CHECK(place.server.requests() == Requests{{"/small.tar.gz", ""}});
  CHECK(what_lacks(place.set, place.data()) == "");
  CHECK(place.fetch() == FetchResult::was_there);
  CHECK(place.server.requests().empty());
}

TEST_CASE("fetch: a .zip of .gz files, and .gz files, decompressed; from a mirror") {
  test::ArchiveServer server;
  const TemporaryFolder folder;
  const Bytes zip =
      test::make_archive({{"gzip/a.gz", test::gzip(a)}, {"gzip/other.gz", b}, {"gzip/b.gz", test::gzip(b)}}, true);
  const PublishedSet zipped{"z",
                            "z",
                            {{"http://unknown.invalid/gzip.zip",
                              zip.size(),
                              sum_of(zip),
                              {{"gzip/b.gz", b.size()}, {"gzip/a.gz", a.size()}}}}};
  server.put("mirror/gzip.zip", zip);
  CHECK(fetch(zipped, folder.path, {server.url() + "/mirror", one_attempt, true}) == FetchResult::fetched);
  const Bytes first = test::gzip(a), second = test::gzip(b);
  const PublishedSet single{"s",
                            "s",
                            {{"http://unknown.invalid/a.gz", first.size(), sum_of(first), {{"a.gz", a.size()}}},
                             {"http://unknown.invalid/b.gz", second.size(), sum_of(second), {{"b.gz", b.size()}}}}};
  server.put("a.gz", first);
  server.put("b.gz", second);
  CHECK(fetch(single, folder.path, {server.url() + "/", one_attempt, true}) == FetchResult::fetched);
  CHECK(files_in(folder.path) == std::map<std::string, Bytes>{{"s/a", a}, {"s/b", b}, {"z/a", a}, {"z/b", b}});
  // As .gz, as published, it is there too.
  fs::remove(folder.path / "s" / "a");
  CHECK(says(what_lacks(single, folder.path), {"s/a: no such file"}));
  test::write_file(folder.path / "s" / "a.gz", first);
  CHECK(what_lacks(single, folder.path) == "");
}

TEST_CASE("fetch: a broken connection is taken up where it broke, by the next call or at once") {
  Place place;
  place.server.next({.cut = 100'000});
  const std::string message = message_of<SystemError>([&] { place.fetch(); });
  CHECK(says(message, {place.set.archives[0].url, "100000 of " + std::to_string(place.archive.size()), "goes on"}));
  CHECK(bytes_of(place.part()) == Bytes(place.archive.begin(), place.archive.begin() + 100'000));
  CHECK(!fs::exists(place.data() / "small-set"));
  place.server.next({.cut = 50'000});
  place.server.next({.cut = 50'000, .silent = true});
  CHECK(place.fetch({5, 1, 5}) == FetchResult::fetched);
  CHECK(place.is_whole());
  CHECK(place.server.requests() == Requests{{"/small.tar.gz", ""},
                                            {"/small.tar.gz", "bytes=100000-"},
                                            {"/small.tar.gz", "bytes=150000-"},
                                            {"/small.tar.gz", "bytes=200000-"}});
}

TEST_CASE("fetch: without ranges the server is asked for all of it; a broken one is not asked for ever") {
  Place place;
  place.server.next({.cut = 100'000});
  place.server.next({.ranges = false});
  CHECK(place.fetch({5, 1, 2}) == FetchResult::fetched);
  CHECK(place.is_whole());
  CHECK(place.server.requests() ==
        Requests{{"/small.tar.gz", ""}, {"/small.tar.gz", "bytes=100000-"}, {"/small.tar.gz", ""}});
  fs::remove_all(place.data());
  for (int i = 0; i < 9; ++i) place.server.next({.cut = 10});
  CHECK_THROWS_AS(place.fetch({5, 1, 3}), SystemError);
  CHECK(place.server.requests().size() == 3);
  CHECK(fs::file_size(place.part()) == 30);
}

TEST_CASE("fetch: a server that sends elsewhere, but not out of the web") {
  Place place;
  place.server.put("moved.tar.gz", place.archive);
  place.server.next({.cut = 100'000});
  CHECK_THROWS_AS(place.fetch(), SystemError);
  place.server.next({.status = 302, .location = "/moved.tar.gz"});
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.is_whole());
  CHECK(place.server.requests() ==
        Requests{{"/small.tar.gz", ""}, {"/small.tar.gz", "bytes=100000-"}, {"/moved.tar.gz", "bytes=100000-"}});
  fs::remove_all(place.data());
  place.server.next({.status = 302, .location = "file:///etc/passwd"});
  CHECK_THROWS_AS(place.fetch(), InputError);
  for (int i = 0; i < 20; ++i) place.server.next({.status = 302, .location = "/small.tar.gz"});
  CHECK(says(message_of<SystemError>([&] { place.fetch(); }), {"redirects"}));
  CHECK(files_in(place.folder.path).empty());
}

TEST_CASE("fetch: an archive that is there whole, or is too long, or is another one") {
  Place place;
  test::write_file(place.part(), place.archive);
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.server.requests().empty());
  CHECK(place.is_whole());
  fs::remove_all(place.data());
  test::write_file(place.part(), noise(place.archive.size() + 1, 4));
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.is_whole());
  fs::remove_all(place.data());
  test::write_file(place.part(), noise(1000, 4));  // a first part of something else: the sum tells
  CHECK(says(message_of<InputError>([&] { place.fetch(); }), {"SHA-256"}));
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.is_whole());
}

TEST_CASE("fetch: a wrong byte") {
  Place place;
  Bytes wrong = place.archive;
  wrong[wrong.size() / 2] ^= 1;
  place.server.put("small.tar.gz", wrong);
  CHECK(says(message_of<InputError>([&] { place.fetch(); }),
             {place.set.archives[0].url, "SHA-256 " + sum_of(wrong), "expected " + sum_of(place.archive), "removed"}));
  CHECK(files_in(place.folder.path).empty());
  place.server.put("small.tar.gz", place.archive);
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.is_whole());
}

TEST_CASE("fetch: a server that has something else") {
  Place place;
  const std::string expected = "expected " + std::to_string(place.archive.size());
  const auto refused = [&](const Bytes& bytes, const Behaviour& behaviour, const std::vector<std::string>& parts) {
    place.server.put("small.tar.gz", bytes);
    place.server.next(behaviour);
    CHECK(says(message_of<InputError>([&] { place.fetch(); }), parts));
    CHECK(files_in(place.folder.path).empty());
  };
  Bytes longer = place.archive;
  longer.push_back(0);
  const Bytes page(500, 'h'), shorter(place.archive.begin(), place.archive.end() - 1);
  refused(page, {}, {"the server has 500 bytes", expected});
  refused(longer, {}, {"the server has " + std::to_string(longer.size()), expected});
  refused(longer, {.announces = false}, {"more than the " + std::to_string(place.archive.size()) + " bytes expected"});
  refused(shorter, {.announces = false}, {"sent " + std::to_string(shorter.size()), expected});
  // A good part outlives a portal's page and a slip in the address; one that the server cannot continue does not.
  const Bytes part(place.archive.begin(), place.archive.begin() + 1000);
  test::write_file(place.part(), part);
  place.server.put("small.tar.gz", page);
  place.server.next({.ranges = false});
  CHECK(says(message_of<InputError>([&] { place.fetch(); }), {"the server has 500 bytes", expected}));
  CHECK(bytes_of(place.part()) == part);
  place.server.put("small.tar.gz", longer);
  CHECK(says(message_of<InputError>([&] { place.fetch(); }),
             {"the server has " + std::to_string(longer.size()), expected}));
  CHECK(bytes_of(place.part()) == part);
  CHECK_THROWS_AS(fetch(place.set, place.data(), {"htp://127.0.0.1", one_attempt, true}), InputError);
  CHECK(bytes_of(place.part()) == part);
  refused(page, {}, {"sent 1000 bytes", expected});
  refused({}, {}, {"0 bytes", expected});
}

TEST_CASE("fetch: no such file, silence, nobody there, not a URL") {
  Place place;
  const auto fails = [&](const std::vector<std::string>& parts) {
    CHECK(says(message_of<SystemError>([&] { place.fetch(); }), parts));
    CHECK(files_in(place.folder.path).empty());
    CHECK(!fs::exists(place.data() / "small.fetch"));
  };
  place.server.next({.status = 404});
  fails({place.set.archives[0].url, "404", "--url"});
  place.server.next({.status = 503});
  fails({"503"});
  place.server.next({.cut = 0, .silent = true});
  fails({"slow"});
  std::string url;
  {
    const test::ArchiveServer gone;
    url = gone.url();
  }
  place.set.archives[0].url = url + "/small.tar.gz";
  fails({url, "connect", "put the file at " + place.part().string()});
  for (const std::string mirror : {"file:///etc", "ftp://127.0.0.1", "http://[", "http://a b"}) {
    const std::string message = message_of<InputError>([&] {
      fetch(place.set, place.data(), {mirror, one_attempt, true});
    });
    CHECK_MESSAGE(says(message, {mirror + "/small.tar.gz: ", "begins with http:// or https://"}), message);
  }
}

TEST_CASE("fetch: what an archive must not do, it cannot") {
  const TemporaryFolder outside;
  const std::string elsewhere = outside.path / "elsewhere", target = outside.path / "target";
  const Bytes evil = noise(5, 5);
  Place place({{"../evil", evil},
               {"../../../evil", evil},
               {"in/../../evil", evil},
               {elsewhere, evil},
               {"in", {}, target},
               {"link", {}, target},
               {"link/evil", evil},
               {"in/b.bin.gz", evil},
               {"a.bin", evil},
               {"./in/a.bin", a},
               {"in/b.bin", b}});
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.is_whole());
  CHECK(fs::is_empty(outside.path));
}

TEST_CASE("unpack: members that are not as published") {
  const std::vector<Member> members{{"in/a.bin", a.size()}, {"in/b.bin", b.size()}};
  const auto refused = [&](const std::vector<Entry>& entries, const std::vector<std::string>& parts) {
    for (const bool zip : {false, true}) {
      const std::string name = zip ? "x.zip" : "x.tar.gz",
                        fault = unpacking_fault(test::make_archive(entries, zip), name, members);
      CHECK_MESSAGE(says(fault, parts), name << ": " << fault);
      CHECK(says(fault, {name}));
    }
  };
  CHECK(unpacking_fault(test::make_archive({{"in/a.bin", a}, {"in/b.bin", b}}), "x.tar.gz", members) == "");
  refused({}, {"in/a.bin: is missing"});
  refused({{"in/a.bin", a}}, {"in/b.bin: is missing"});
  refused({{"in/a.bin", a}, {"../b.bin", b}}, {"in/b.bin: is missing"});
  refused({{"in/a.bin", a}, {"/in/b.bin", b}}, {"in/b.bin: is missing"});
  refused({{"in/a.bin", a}, {"in/b.bin", {}, "/etc/passwd"}}, {"in/b.bin: expected a plain file"});
  refused({{"in/a.bin", a}, {.path = "in/b.bin", .folder = true}}, {"in/b.bin"});
  refused({{"in/b.bin", b}, {"in/b.bin", b}}, {"in/b.bin: is there twice"});
  refused({{"in/b.bin", noise(b.size() + 1, 1)}}, {"in/b.bin: more than 7 bytes, expected 7"});
  refused({{"in/b.bin", noise(b.size() - 1, 1)}}, {"in/b.bin: ends after 6 bytes, expected 7"});
  refused({{"in/a.bin", noise(5'000'000, 1)}}, {"in/a.bin: more than 300000 bytes"});
  const Bytes linked = test::make_archive({{"in/a.bin", a}, {.path = "in/b.bin", .hardlink = "in/a.bin"}});
  CHECK(says(unpacking_fault(linked, "x.tar.gz", members), {"in/b.bin: expected a plain file"}));
}

TEST_CASE("unpack: damaged archives, cut at many places, are refused") {
  const std::vector<Member> members{{"in/a.gz", a.size()}};
  const Bytes packed = test::gzip(a), short_gzip(packed.begin(), packed.end() - 100);
  for (const bool zip : {false, true}) {
    const std::string name = zip ? "x.zip" : "x.tar.gz";
    const Bytes whole = test::make_archive({{"in/a.gz", packed}}, zip);
    CHECK(unpacking_fault(whole, name, members) == "");
    for (std::size_t size = 0; size + 1100 < whole.size(); size += whole.size() / 37)
      CHECK_MESSAGE(unpacking_fault(Bytes(whole.begin(), whole.begin() + size), name, members) != "",
                    name << " cut at " << size);
    CHECK(says(unpacking_fault(noise(5000, 1), name, members), {name}));
    CHECK(says(unpacking_fault(test::make_archive({{"in/a.gz", short_gzip}}, zip), name, members), {"x"}));
    CHECK(says(unpacking_fault(test::make_archive({{"in/a.gz", a}}, zip), name, members), {"not a gzip file"}));
    CHECK(unpacking_fault(test::make_archive({{"in/a.gz", {}}}, zip), name, members) != "");
  }
  CHECK(unpacking_fault(short_gzip, "a.gz", {{"a.gz", a.size()}}) != "");
  CHECK(says(unpacking_fault(a, "a.gz", {{"a.gz", a.size()}}), {"not a gzip file"}));
  CHECK(unpacking_fault({}, "a.gz", {{"a.gz", a.size()}}) != "");
  // A bomb: 100 MB that take 100 kB. It ends with the size that is expected.
  CHECK(says(unpacking_fault(test::gzip(Bytes(100'000'000)), "a.gz", {{"a.gz", 1000}}), {"more than 1000 bytes"}));
}

TEST_CASE("fetch: an archive that is as published but does not hold the set leaves no folder of that name") {
  Place place({{"in/a.bin", a}});
  CHECK(says(message_of<InputError>([&] { place.fetch(); }), {"small.tar.gz", "in/b.bin: is missing"}));
  CHECK(files_in(place.folder.path) == std::map<std::string, Bytes>{{"data/small.fetch/small.tar.gz", place.archive}});
}

TEST_CASE("fetch: what was half unpacked when a call was killed is not used") {
  Place place;
  test::write_file(place.part(), place.archive);
  test::write_file(place.data() / "small.fetch" / "small-set" / "a.bin", noise(a.size(), 6));
  test::write_file(place.data() / "small.fetch" / "small-set" / "stray", b);
  CHECK(place.fetch() == FetchResult::fetched);
  CHECK(place.is_whole());
}

TEST_CASE("fetch: a folder that holds something else stays as it is") {
  Place place;
  const fs::path folder = place.data() / "small-set";
  fs::create_directories(folder);
  CHECK(place.fetch() == FetchResult::fetched);  // an empty one is no loss
  CHECK(place.is_whole());
  place.server.requests();
  const auto refused = [&](const std::vector<std::string>& parts) {
    const auto before = files_in(place.folder.path);
    CHECK(says(message_of<InputError>([&] { place.fetch(); }), parts));
    CHECK(files_in(place.folder.path) == before);
    CHECK(place.server.requests().empty());
  };
  test::write_file(folder / "b.bin", noise(8, 1));
  refused({(folder / "b.bin").string(), "found 8 bytes, expected 7", "move it away"});
  fs::remove(folder / "b.bin");
  refused({(folder / "b.bin").string(), "no such file", "move it away"});
  fs::remove_all(folder);
  test::write_file(folder, b);
  refused({folder.string(), "move it away"});
}

TEST_CASE("fetch: a folder that cannot be made, no room, another process") {
  Place place;
  test::write_file(place.folder.path / "file", b);
  CHECK(says(message_of<SystemError>([&] { fetch(place.set, place.folder.path / "file" / "data", {}); }),
             {"file/data", "cannot make the folder"}));
  CHECK(says(message_of<SystemError>([&] { fetch(place.set, "/proc/saccade", {}); }), {"/proc/saccade"}));
  {
    fs::create_directories(work_folder(place.set, place.data()));
    const auto lock = lock_folder(work_folder(place.set, place.data()), "test");
    CHECK(says(message_of<InputError>([&] { place.fetch(); }), {"small.fetch", "another process"}));
  }
  PublishedSet large = place.set;
  large.archives[0].members[0].size = std::uint64_t{1} << 60;
  CHECK(says(message_of<SystemError>([&] {
               fetch(large, place.data(), {{}, one_attempt, true});
             }),
             {place.data().string(), "MB needed", "--data"}));
  CHECK(place.server.requests().empty());
  CHECK(place.fetch() == FetchResult::fetched);
}

}  // namespace saccade
