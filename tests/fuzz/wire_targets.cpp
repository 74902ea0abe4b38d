#include <algorithm>

#include "engine/event_records.h"
#include "engine/frame_parser.h"
#include "engine/view_records.h"
#include "streams/network/wire.h"
#include "tests/engine/sample_records.h"
#include "tests/fuzz/targets.h"

namespace saccade::fuzz {
namespace {

constexpr std::uint8_t answers = 1, framed = 2, one_by_one = 4;

std::string_view kind_of(std::uint8_t choice) {
  return (choice & answers) != 0 ? wire::answers_kind : wire::events_kind;
}

/// What either end makes of a record.
void read_message(const Record& record) {
  switch (record.type) {
    case records::header_record:
    case records::end_record:
      records::read_header("peer", record);
      return;
    case records::view_record:
      records::read_view("peer", record, testing::golden_header(ViewFileHeader::Content::pixels), true);
      return;
    case records::saccade_record:
      records::read_saccade("peer", record);
      return;
    case records::hello_record:
      wire::read_hello("peer", record);
      return;
    case records::welcome_record:
      wire::read_welcome("peer", record).covers(Saccade{});
      return;
    case records::answer_record:
      wire::read_answer("peer", record);
      return;
    case records::refusal_record:
      wire::read_refusal("peer", record);
      return;
    default:
      return;
  }
}

/// Byte 0: which direction; whether the rest are the bytes of a connection, or records to be framed with right
/// checksums (type, two bytes of length, payload); whether they come one by one or as a whole.
void wire_bytes(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const std::uint8_t choice = input[0];
  Bytes bytes(input.begin() + 1, input.end());
  if ((choice & framed) != 0) {
    const auto header = frame::file_header(kind_of(choice));
    bytes.assign(header.begin(), header.end());
    for (auto rest = input.subspan(1); rest.size() >= 3;) {
      const std::size_t length = std::min<std::size_t>(rest[1] | rest[2] << 8, rest.size() - 3);
      frame::append(bytes, bytes.size(), rest[0], rest.subspan(3, length));
      rest = rest.subspan(3 + length);
    }
  }
  FrameParser parser("peer", std::string(kind_of(choice)), 1 << 20);
  std::size_t records = 0;
  const std::size_t piece = (choice & one_by_one) != 0 ? 1 : std::max<std::size_t>(bytes.size(), 1);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    parser.feed(ByteSpan(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    while (const auto record = parser.next()) {
      ++records;
      read_message(*record);
    }
  }
  expect(parser.waiting() <= bytes.size(), "more waits than was fed");
  expect(records <= bytes.size() / record_header_bytes, "more records than bytes");
}

std::vector<Bytes> connections() {
  wire::Writer to(wire::events_kind), back(wire::answers_kind);
  to.hello({"eye", "secret"});
  const ViewFileHeader header = testing::golden_header(ViewFileHeader::Content::pixels);
  to.views(header, false);
  wire::Answer answer{3, false, true, {}};
  for (const TraceRecord& record : testing::golden_events(ViewFileHeader::Content::pixels)) {
    if (const auto* view = std::get_if<View>(&record)) to.event(*view);
    if (const auto* saccade = std::get_if<Saccade>(&record)) to.event(*saccade);
  }
  for (const TraceRecord& record : testing::golden_trace())
    if (const auto* update = std::get_if<UpdateRecord>(&record)) answer.updates.push_back(*update);
  to.views(header, true);
  back.welcome({5, 1, 150'000, 2, 1, true});
  back.answer(answer);
  back.answer({4, true, false, {}});
  back.refusal("no room");
  std::vector<Bytes> all;
  std::uint8_t direction = 0;
  for (const Bytes& whole : {to.take(), back.take()}) {
    for (const std::uint8_t pieces : {std::uint8_t{0}, one_by_one}) all.push_back(chosen(direction | pieces, whole));
    FrameParser parser("corpus", std::string(kind_of(direction)), 1 << 20);
    parser.feed(whole);
    Bytes listed;
    while (const auto record = parser.next()) {
      const Bytes one = listed_record(record->type, record->payload);
      listed.insert(listed.end(), one.begin(), one.end());
    }
    all.push_back(chosen(direction | framed, listed));
    direction = answers;
  }
  return all;
}

}  // namespace

std::vector<Target> wire_targets() { return {{"wire", wire_bytes, connections}}; }

}  // namespace saccade::fuzz
