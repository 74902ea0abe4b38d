#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/record_frame.h"
#include "streams/network/server_desk.h"
#include "streams/network/wire.h"

namespace saccade {

/// What one connection says, record by record, without the connection: its greeting is checked, its events are
/// verified, recorded and handed to the learner. On the server's thread.
class EventIntake {
 public:
  /// `what` names the connection in messages, `connection` in arrivals. Welcomes, and answers to what is dropped, go to
  /// `out`.
  EventIntake(ServerDesk& desk, std::uint64_t connection, std::string what, wire::Writer& out);
  ~EventIntake() { leave(); }
  EventIntake(const EventIntake&) = delete;
  EventIntake& operator=(const EventIntake&) = delete;

  /// Why nothing more is taken.
  struct End {
    std::string why;  ///< empty: the stream has ended
  };
  /// InputError, also as RefusedForNow, for what is no stream of ours.
  std::optional<End> take(const Record& record);
  /// Hands what was accepted to the learner, when it is in the system's hands.
  void publish();
  /// Its stream may come over another connection.
  void leave();

  const std::string& what() const { return what_; }
  bool greeted() const { return !name_.empty(); }
  /// Where its events are, or will be, recorded; null: nowhere yet.
  const ArrivalLog* log() const;
  std::uint64_t events() const { return numbered_; }  ///< so far
  /// Whether the learner has room for an event beside those that are not published.
  bool has_room() const { return desk_.queue.has_room(accepted_.size(), accepted_bytes_); }
  /// Events handed on, or about to be, without an answer.
  std::uint64_t unanswered() const { return unanswered_; }
  void answered() { --unanswered_; }

 private:
  void hello(const wire::Hello& hello);
  void greet(const std::string& name);
  void views(const ViewFileHeader& header);
  const ViewFileHeader& expected() const;
  void check_pixels(const Pixels& pixels) const;
  std::optional<End> event(Event event);
  void accept(Event event, std::uint64_t number);
  void check_order(const Event& event);
  bool drops(const Event& event) const;

  ServerDesk& desk_;
  const std::uint64_t connection_;
  const std::string what_;
  wire::Writer& out_;
  std::string name_;
  std::optional<ArrivalLogs::Place> place_;
  std::optional<ViewFileHeader> sent_;
  std::vector<Arrival> accepted_;  ///< recorded, not published
  std::size_t accepted_bytes_ = 0;
  std::uint64_t numbered_ = 0, unanswered_ = 0;
  Time latest_ = 0;  ///< of its events, dropped ones too
};

}  // namespace saccade
