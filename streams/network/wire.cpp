#include "streams/network/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "engine/error.h"
#include "engine/schemas/wire_generated.h"
#include "engine/view_records.h"

namespace saccade::wire {
namespace {

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? std::string() : text->str(); }

}  // namespace

void check_stream_name(const std::string& what, const std::string& name) {
  const auto fits = [](unsigned char c) { return c < 128 && (std::isalnum(c) || c == '-' || c == '_' || c == '.'); };
  if (name.empty() || name.size() > 64 || name.front() == '.' || !std::all_of(name.begin(), name.end(), fits))
    throw InputError(
        fmt::format("{}: this is no stream name, expected 1 to 64 of a-z A-Z 0-9 - _ . and no . in front", what));
}

bool Welcome::covers(const Event& event) const {
  if (accepted == 0) return false;
  const auto of = std::visit([](const auto& e) { return e.fixation; }, event);
  if (of != fixation) return of < fixation;
  const auto* view = std::get_if<View>(&event);
  return !looking || (view && view->index <= index);
}

struct Writer::Encoder {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<fb::Term> terms;
  std::vector<flatbuffers::Offset<fb::Update>> updates;
};

Writer::Writer(std::string_view kind) : encoder_(std::make_unique<Encoder>()) {
  const auto header = frame::file_header(kind);
  bytes_.assign(header.begin(), header.end());
  position_ = header.size();
}

Writer::Writer(Writer&&) noexcept = default;
Writer::~Writer() = default;

frame::Bytes Writer::take() { return std::exchange(bytes_, {}); }

template <class Table>
void Writer::append(std::uint32_t type, const Table& root) {
  auto& builder = encoder_->builder;
  builder.Finish(root);
  const std::size_t before = bytes_.size();
  frame::append(bytes_, position_, type, {builder.GetBufferPointer(), builder.GetSize()});
  position_ += bytes_.size() - before;
  builder.Clear();
}

void Writer::hello(const Hello& hello) {
  auto& builder = encoder_->builder;
  const auto stream = builder.CreateString(hello.stream), token = builder.CreateString(hello.token);
  append(records::hello_record, fb::CreateHello(builder, stream, token));
}

void Writer::views(const ViewFileHeader& header, bool end) {
  append(end ? records::end_record : records::header_record, records::write(encoder_->builder, header, 0));
}

void Writer::event(const Event& event) {
  auto& builder = encoder_->builder;
  if (const auto* view = std::get_if<View>(&event))
    append(records::view_record, records::write(builder, *view, records::With::pixels));
  else
    append(records::saccade_record, records::write(builder, std::get<Saccade>(event)));
}

void Writer::welcome(const Welcome& w) {
  append(records::welcome_record,
         fb::CreateWelcome(encoder_->builder, w.accepted, w.stream, w.time, w.fixation, w.index, w.looking));
}

void Writer::answer(const Answer& answer) {
  auto& builder = encoder_->builder;
  auto& updates = encoder_->updates;
  updates.clear();
  for (const UpdateRecord& update : answer.updates) updates.push_back(records::write(builder, update, encoder_->terms));
  const auto list = updates.empty() ? 0 : builder.CreateVector(updates);
  append(records::answer_record, fb::CreateAnswer(builder, answer.event, answer.dropped, answer.updated, list));
}

void Writer::refusal(const std::string& text, bool for_now) {
  auto& builder = encoder_->builder;
  const auto string = builder.CreateString(text);
  append(records::refusal_record, fb::CreateRefusal(builder, string, for_now));
}

Hello read_hello(const std::string& what, const Record& record) {
  const auto& table = records::verified<fb::Hello>(what, record);
  return {text_of(table.stream()), text_of(table.token())};
}

Welcome read_welcome(const std::string& what, const Record& record) {
  const auto& table = records::verified<fb::Welcome>(what, record);
  return {table.accepted(), table.stream(), table.time(), table.fixation(), table.index(), table.looking()};
}

Answer read_answer(const std::string& what, const Record& record) {
  const auto& table = records::verified<fb::Answer>(what, record);
  Answer answer{table.event(), table.dropped(), table.updated(), {}};
  if (table.updates() != nullptr)
    for (const fb::Update* update : *table.updates())
      answer.updates.push_back(records::read_update(what, record, *update));
  return answer;
}

std::string read_refusal(const std::string& what, const Record& record) {
  return text_of(records::verified<fb::Refusal>(what, record).text());
}

bool is_for_now(const std::string& what, const Record& refusal) {
  return records::verified<fb::Refusal>(what, refusal).for_now();
}

}  // namespace saccade::wire
