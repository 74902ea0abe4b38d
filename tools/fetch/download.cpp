#include "tools/fetch/download.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <memory>

#include "engine/error.h"
#include "engine/file_system.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// One request, as libcurl's callbacks see it. libcurl is C: no exception may pass through it, so it waits in `error`.
struct Request {
  CURL* curl;
  File& file;
  std::uint64_t have;  ///< bytes in the file
  std::uint64_t size;
  const Tick& tick;
  bool begun = false;
  std::exception_ptr error = {};

  template <class Work>
  bool succeeds(const Work& work) {
    try {
      work();
      return true;
    } catch (...) {
      error = std::current_exception();
      return false;
    }
  }
};

/// What the server announces, of a file of which it leaves out the first `before` bytes: a page of a portal instead of
/// the file is not worth its bytes, nor the part that is here.
void check_announced_size(CURL* curl, std::uint64_t before, std::uint64_t expected) {
  curl_off_t rest = -1;  // stays so where the server does not say
  curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &rest);
  if (const std::uint64_t found = before + static_cast<std::uint64_t>(rest); rest >= 0 && found != expected)
    throw InputError(fmt::format("the server has {} bytes, expected {}", found, expected));
}

std::size_t on_bytes(char* bytes, std::size_t, std::size_t count, void* user) {
  Request& request = *static_cast<Request*>(user);
  const bool written = request.succeeds([&] {
    if (!request.begun) check_announced_size(request.curl, request.have, request.size);
    request.begun = true;
    if (count > request.size - request.have)
      throw InputError(fmt::format("the server sends more than the {} bytes expected", request.size));
    request.file.write({reinterpret_cast<const std::uint8_t*>(bytes), count});
    request.have += count;
  });
  return written ? count : 0;
}

/// Called at least about once a second, whatever the server does.
int on_time(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  Request& request = *static_cast<Request*>(user);
  return request.succeeds([&] { request.tick(request.have); }) ? 0 : 1;
}

struct Reply {
  CURLcode code;
  std::string reason;
};

/// Appends to the file what it lacks, until the connection ends in whatever way.
Reply ask(const std::string& url, const fs::path& path, std::uint64_t have, std::uint64_t size,
          const Patience& patience, const Tick& tick) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (ready != CURLE_OK || !curl) throw SystemError("libcurl does not start");
  const std::unique_ptr<File> file = have > 0 ? real_files().append(path) : real_files().create(path);
  Request request{curl.get(), *file, have, size, tick};
  std::array<char, CURL_ERROR_SIZE> reason{};
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode code = curl_easy_setopt(curl.get(), option, value); code != CURLE_OK)
      throw SystemError(fmt::format("libcurl: {}", curl_easy_strerror(code)));
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 10L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_USERAGENT, "saccade");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, patience.connect_seconds);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, patience.stall_seconds);
  set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(have));
  set(CURLOPT_ERRORBUFFER, reason.data());
  set(CURLOPT_WRITEFUNCTION, &on_bytes);
  set(CURLOPT_WRITEDATA, &request);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_time);
  set(CURLOPT_XFERINFODATA, &request);
  const CURLcode code = curl_easy_perform(curl.get());
  if (request.error) std::rethrow_exception(request.error);
  if (code == CURLE_RANGE_ERROR) check_announced_size(curl.get(), 0, size);
  file->close();
  return {code, reason[0] ? reason.data() : curl_easy_strerror(code)};
}

std::uint64_t size_of(const fs::path& file) { return fs::exists(file) ? fs::file_size(file) : 0; }

/// Errors that another request may not meet.
bool broke_off(CURLcode code) {
  return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_OPERATION_TIMEDOUT ||
         code == CURLE_GOT_NOTHING || code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
}

}  // namespace

void download(const std::string& url, const fs::path& file, std::uint64_t size, const Patience& patience,
              const Tick& tick) {
  for (int attempt = 1;; ++attempt) {
    std::uint64_t have = size_of(file);
    if (have > size) have = 0;  // not a part of it
    if (have == size) return;
    try {
      const Reply reply = ask(url, file, have, size, patience, tick);
      const std::uint64_t now = size_of(file);
      if (reply.code == CURLE_OK && now == size) return;
      if (reply.code == CURLE_OK) {
        fs::remove(file);
        throw InputError(fmt::format("the server sent {} bytes, expected {}", now, size));
      }
      if (reply.code == CURLE_UNSUPPORTED_PROTOCOL || reply.code == CURLE_URL_MALFORMAT)
        throw InputError(fmt::format("{}; expected a URL that begins with http:// or https://", reply.reason));
      if (reply.code == CURLE_RANGE_ERROR) {  // the server can only send all of it
        fs::remove(file);
        continue;
      }
      if (broke_off(reply.code) && now > have && attempt < patience.attempts) continue;
      if (now == 0) fs::remove(file);
      const std::string kept =
          now > 0 ? fmt::format("; {} of {} bytes are here, the next call goes on from there", now, size) : "";
      throw SystemError(fmt::format("{}: {}{} (other sources: --url BASE, or put the file at {} yourself)", url,
                                    reply.reason, kept, file.string()));
    } catch (const InputError& error) {
      if (have == 0 || size_of(file) != have) fs::remove(file);  // what came is of no use
      throw InputError(fmt::format("{}: {}", url, error.what()));
    }
  }
}

}  // namespace saccade
