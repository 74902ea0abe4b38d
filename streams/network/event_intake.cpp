#include "streams/network/event_intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/event_records.h"
#include "engine/view_records.h"

namespace saccade {
namespace {

/// Of a view's values; standardised ones stay far below.
constexpr float largest_value = 1000;

}  // namespace

EventIntake::EventIntake(ServerDesk& desk, std::uint64_t connection, std::string what, wire::Writer& out)
    : desk_(desk), connection_(connection), what_(std::move(what)), out_(out) {}

std::optional<EventIntake::End> EventIntake::take(const Record& record) {
  switch (record.type) {
    case records::hello_record:
      hello(wire::read_hello(what_, record));
      return {};
    case records::header_record:
      views(records::read_header(what_, record));
      return {};
    case records::view_record: {
      View view = records::read_view(what_, record, expected(), true);
      check_pixels(*view.pixels);
      return event(std::move(view));
    }
    case records::saccade_record:
      expected();
      return event(records::read_saccade(what_, record));
    case records::end_record:
      expected();
      return End{};
    case records::name_record:
      return {};  // of a recording of several streams: one connection is one stream
    default:
      records::refuse(what_, record,
                      fmt::format("got record type {}, expected 7 (hello), 4 (views), then 1 (view), 2 (saccade), 5 "
                                  "(the end)",
                                  record.type));
  }
}

void EventIntake::hello(const wire::Hello& hello) {
  if (greeted()) throw InputError(fmt::format("{}: got a second greeting", what_));
  if (desk_.options.token && !desk_.options.token->is(hello.token))
    throw InputError(fmt::format("{}: {}", what_,
                                 hello.token.empty() ? "a token is needed (--token-file)" : "this is not the token"));
  greet(hello.stream.empty() ? std::string(wire::default_stream) : hello.stream);
}

void EventIntake::greet(const std::string& name) {
  place_ = desk_.streams.enter(what_, name);
  name_ = name;
  const RecordedEvents::Place at = place_ ? place_->log->events().place(place_->stream) : RecordedEvents::Place{};
  latest_ = at.time;
  const auto number = place_ ? place_->stream : static_cast<std::uint32_t>(desk_.streams.begun());
  out_.welcome({at.events, number, at.time, at.fixation.value_or(0), at.index, at.looking});
  desk_.lines.say(fmt::format("{}: stream \"{}\", {} events of it so far", what_, name, at.events));
  if (log()) desk_.counter.joins(*log());
}

const ArrivalLog* EventIntake::log() const {
  if (place_) return place_->log;
  return greeted() ? desk_.streams.log_of_new() : nullptr;
}

void EventIntake::leave() {
  if (greeted()) desk_.streams.leave(std::exchange(name_, {}));
}

void EventIntake::views(const ViewFileHeader& header) {
  if (sent_) throw InputError(fmt::format("{}: got two records of type 4, expected one", what_));
  if (!greeted()) {
    if (desk_.options.token) throw InputError(fmt::format("{}: a token is needed (--token-file)", what_));
    greet(std::string(wire::default_stream));
  }
  const ViewFileHeader& own = desk_.header;
  if (header.height != own.height || header.width != own.width || header.channels != own.channels)
    throw InputError(fmt::format("{}: its views are {}x{}x{}, expected {}x{}x{}", what_, header.height, header.width,
                                 header.channels, own.height, own.width, own.channels));
  if (header.content != ViewFileHeader::Content::pixels)
    throw InputError(fmt::format("{}: its views are recipes, expected pixels (saccade send renders them)", what_));
  sent_ = header;
}

const ViewFileHeader& EventIntake::expected() const {
  if (!sent_)
    throw InputError(
        fmt::format("{}: got an event, expected a record of type 4 first, which says what views come", what_));
  return *sent_;
}

/// Nothing of one peer may make the learner's numbers overflow.
void EventIntake::check_pixels(const Pixels& pixels) const {
  for (const float value : pixels)
    if (!(std::abs(value) <= largest_value))
      throw InputError(
          fmt::format("{}: got a view with the value {}, expected at most {} either way", what_, value, largest_value));
}

std::optional<EventIntake::End> EventIntake::event(Event event) {
  if (const ArrivalLog* log = this->log()) {
    if (const auto why = desk_.closed.find(log); why != desk_.closed.end()) return End{why->second};
    const std::uint64_t most = desk_.options.most_views;
    if (most > 0 && log->events().views() >= most) return End{fmt::format("the run has its {} views", most)};
  }
  check_order(event);
  const std::uint64_t number = numbered_++;
  if (desk_.options.drop && drops(event)) {
    desk_.counter.add(&EventServerCounts::dropped, log());
    desk_.tell_behind();
    out_.answer({number, true, false, {}});
  } else {
    accept(std::move(event), number);
  }
  return {};
}

/// Of what is dropped the log does not know.
void EventIntake::check_order(const Event& event) {
  const Time time = std::visit([](const auto& e) { return e.time; }, event);
  if (time < latest_)
    throw InputError(fmt::format(
        "{}: event {} is at {} s, expected {}", what_, numbered_, to_seconds(time),
        latest_ > 0 ? fmt::format("one after {} s", to_seconds(latest_)) : std::string("a time from 0 on")));
  latest_ = time;
}

/// A view for which there is no room, and a saccade from what was never seen.
bool EventIntake::drops(const Event& event) const {
  if (const auto* saccade = std::get_if<Saccade>(&event)) {
    if (!place_) return true;
    const RecordedEvents::Place& at = place_->log->events().place(place_->stream);
    return !at.looking || at.fixation != saccade->fixation;
  }
  return !has_room();
}

void EventIntake::accept(Event event, std::uint64_t number) try {
  std::visit([](auto& e) { e.stream = 0; }, event);  // the peer's own number says nothing here
  if (!place_) {
    RecordedEvents().check(event);  // what cannot begin a stream takes no place
    const bool known = log() != nullptr;
    place_ = desk_.streams.begin(name_);
    if (!known) desk_.counter.joins(*place_->log);
  }
  place_->log->record(event, place_->stream);
  ++unanswered_;
  accepted_bytes_ += bytes_of(event);
  accepted_.push_back({std::move(event), connection_, number, place_->log});
} catch (const InputError& error) {
  throw InputError(fmt::format("{}: {}", what_, error.what()));
}

void EventIntake::publish() {
  if (accepted_.empty()) return;
  place_->log->flush();
  desk_.counter.add(&EventServerCounts::events, place_->log, accepted_.size());
  for (Arrival& arrival : accepted_) desk_.queue.push(std::move(arrival));
  accepted_.clear();
  accepted_bytes_ = 0;
}

}  // namespace saccade
