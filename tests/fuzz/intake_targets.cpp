#include <deque>
#include <map>
#include <memory>
#include <set>

#include "engine/view_records.h"
#include "streams/network/event_intake.h"
#include "tests/engine/sample_records.h"
#include "tests/fuzz/targets.h"
#include "tests/streams/same_event.h"

namespace saccade::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t with_token = 1, dropping = 2, little_room = 4;
constexpr const char* secret = "sixteen-or-more-characters";

ViewFileHeader served_header() {
  ViewFileHeader header = testing::golden_header(ViewFileHeader::Content::pixels);
  header.streams = 3;
  return header;
}

/// What comes over several connections at once.
class Connections {
 public:
  Connections(std::uint8_t choice, const fs::path& file)
      : log_(real_files(), file, served_header()),
        desk_{.options = options(choice),
              .header = served_header(),
              .streams = StreamRegister(log_, served_header().streams),
              .lines = FewLines([](const std::string&) {})} {}

  void take(std::size_t number, const Record& record) {
    if (ended_.contains(number)) return;
    // As a session does: what it has taken is published before another one takes anything; ...
    if (std::exchange(turn_, number) != number)
      for (auto& [other, intake] : intakes_)
        if (intake) intake->publish();
    std::unique_ptr<EventIntake>& intake = intakes_[number];
    if (!intake) intake = std::make_unique<EventIntake>(desk_, number + 1, "peer", answers_);
    // ... without room it reads no further.
    if (intake->greeted() && !desk_.options.drop && !intake->has_room()) fetch(*intake);
    bool over = true;
    try {
      over = intake->take(record).has_value();
    } catch (const InputError&) {
      ++refused_;
    }
    if (!over) return;
    intake->publish();
    intake.reset();
    ended_.insert(number);
  }

  /// Every event that was accepted, in the order in which the learner gets them.
  std::deque<Event> end() {
    for (auto& [number, intake] : intakes_)
      if (intake) fetch(*intake);
    pop();
    intakes_.clear();
    log_.close();
    expect(desk_.counter.total().events == accepted_.size(), "other events were counted than came");
    return std::move(accepted_);
  }
  std::size_t refused() const { return refused_; }

 private:
  static EventServerOptions options(std::uint8_t choice) {
    EventServerOptions options;
    if ((choice & with_token) != 0) options.token = Token::read(file_with(bytes_of(secret), "token"));
    options.drop = (choice & dropping) != 0;
    if ((choice & little_room) != 0) options.waiting = 2;
    return options;
  }
  void fetch(EventIntake& intake) {
    intake.publish();
    pop();
  }
  void pop() {
    while (auto arrival = desk_.queue.pop(std::chrono::milliseconds(0))) accepted_.push_back(std::move(arrival->event));
  }

  ArrivalLog log_;
  ServerDesk desk_;
  wire::Writer answers_{wire::answers_kind};
  std::map<std::size_t, std::unique_ptr<EventIntake>> intakes_;
  std::set<std::size_t> ended_;
  std::deque<Event> accepted_;
  std::size_t refused_ = 0, turn_ = 0;
};

/// Byte 0: the server's options. Then records: type and, in its upper half, the connection; two bytes of length; the
/// payload. What was accepted is what the recording holds, to the bit, and the server can go on with it.
void served_records(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  static const fs::path folder = file_with({}, "served").parent_path();
  const fs::path file = folder / "arrivals.views";
  for (const char* ending : {"", ".partial"}) fs::remove(fs::path(file) += ending);
  Connections connections(input[0], file);
  for (auto rest = input.subspan(1); rest.size() >= 3;) {
    const std::size_t length = std::min<std::size_t>(rest[1] | rest[2] << 8, rest.size() - 3);
    const Bytes payload(rest.begin() + 3, rest.begin() + 3 + static_cast<std::ptrdiff_t>(length));  // aligned
    connections.take(rest[0] >> 4, {.type = rest[0] & 0x0fu, .payload = payload});
    rest = rest.subspan(3 + length);
  }
  std::deque<Event> accepted = connections.end();
  ViewFileReader reader(real_files(), file);
  while (const auto event = reader.next()) {
    expect(!accepted.empty() && test::same_event(*event, accepted.front()), "another event was recorded than learned");
    accepted.pop_front();
  }
  expect(accepted.empty() && reader.damage().empty(), "the recording lacks what was learned");
  ArrivalLog::resume(real_files(), file, served_header());
  if (connections.refused() > 0) throw InputError("refused");
}

/// What a sender says, record by record as this target reads it.
std::vector<Bytes> said(const wire::Hello& hello, std::size_t connection) {
  wire::Writer out(wire::events_kind);
  out.hello(hello);
  out.views(served_header(), false);
  for (const TraceRecord& record : testing::golden_events(ViewFileHeader::Content::pixels)) {
    if (const auto* view = std::get_if<View>(&record)) out.event(*view);
    if (const auto* saccade = std::get_if<Saccade>(&record)) out.event(*saccade);
  }
  out.views(served_header(), true);
  FrameParser parser("corpus", std::string(wire::events_kind), 1 << 20);
  parser.feed(out.take());
  std::vector<Bytes> records;
  while (const auto record = parser.next())
    records.push_back(listed_record(record->type | static_cast<std::uint32_t>(connection << 4), record->payload));
  return records;
}

/// One sender, and two whose records alternate; with and without the token.
std::vector<Bytes> conversations() {
  std::vector<Bytes> all;
  for (const std::uint8_t choice : {std::uint8_t{0}, with_token, dropping, std::uint8_t{little_room | dropping}}) {
    const std::string token = (choice & with_token) != 0 ? secret : "";
    const std::vector<Bytes> eye = said({"eye", token}, 0), ear = said({"", token}, 1);
    Bytes one, two;
    for (std::size_t i = 0; i < eye.size(); ++i) {
      one.insert(one.end(), eye[i].begin(), eye[i].end());
      for (const Bytes& record : {eye[i], ear[i]}) two.insert(two.end(), record.begin(), record.end());
    }
    all.push_back(chosen(choice, one));
    all.push_back(chosen(choice, two));
  }
  return all;
}

}  // namespace

std::vector<Target> intake_targets() { return {{"intake", served_records, conversations}}; }

}  // namespace saccade::fuzz
