#include <doctest/doctest.h>

#include "program/watched_run.h"

/// The page in a real browser, where Debian's chromium is installed; driven by its DevTools protocol.
namespace saccade::program {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

class Browser {
 public:
  static constexpr const char* program = "/usr/bin/chromium";

  Browser()
      : process_(Process::WholeLine{{program, "--headless", "--no-sandbox", "--disable-gpu",
                                     "--remote-debugging-port=0", "--remote-allow-origins=*",
                                     "--user-data-dir=" + folder_.path.string(), "about:blank"}}) {
    const fs::path file = folder_.path / "DevToolsActivePort";
    if (!eventually([&] { return contains(text_of(file), "\n/devtools/"); }))
      throw std::runtime_error("chromium does not answer: " + text_of(file));
    const std::string text = text_of(file);
    const auto port = static_cast<std::uint16_t>(std::stoi(text));
    browser_ = std::make_unique<web::Socket>(port, text.substr(text.find('\n') + 1));
    const Json targets = call(*browser_, "Target.getTargets", {})["targetInfos"];
    const auto page =
        std::find_if(targets.begin(), targets.end(), [](const Json& each) { return each["type"] == "page"; });
    if (page == targets.end()) throw std::runtime_error("chromium has no page: " + targets.dump());
    page_ = std::make_unique<web::Socket>(port, "/devtools/page/" + (*page)["targetId"].get<std::string>());
    call(*page_, "Runtime.enable", {});
    call(*page_, "Log.enable", {});
  }
  ~Browser() {
    try {
      call(*browser_, "Browser.close", {});
      process_.wait();
    } catch (const std::exception&) {  // it is gone
    }
  }

  void open(const std::string& url) { call(*page_, "Page.navigate", {{"url", url}}); }
  /// The value of an expression.
  Json value(const std::string& expression) {
    const Json answer = call(*page_, "Runtime.evaluate", {{"expression", expression}, {"returnByValue", true}});
    if (answer.contains("exceptionDetails")) throw std::runtime_error(answer.dump());
    return answer["result"].value("value", Json());
  }
  /// A build with a sanitizer takes minutes until it learns.
  bool comes(const std::string& expression) {
    for (const auto end = std::chrono::steady_clock::now() + 5min; std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(20ms))
      if (value(expression) == true) return true;
    return false;
  }
  void key(const std::string& key, const std::string& code, int number) {
    for (const char* type : {"rawKeyDown", "keyUp"})
      call(*page_, "Input.dispatchKeyEvent",
           {{"type", type}, {"key", key}, {"code", code}, {"windowsVirtualKeyCode", number}});
  }
  /// Errors and warnings that the browser has logged.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  Json call(web::Socket& socket, const std::string& method, const Json& parameters) {
    const int id = ++calls_;
    socket.say(
        Json{{"id", id}, {"method", method}, {"params", parameters.is_null() ? Json::object() : parameters}}.dump());
    while (true) {
      const Json message = Json::parse(socket.hear());
      if (message.value("method", "") == "Runtime.exceptionThrown" || message.value("method", "") == "Log.entryAdded")
        complaints_.push_back(message.dump());
      if (message.value("id", 0) != id) continue;
      if (message.contains("error")) throw std::runtime_error(method + ": " + message.dump());
      return message["result"];
    }
  }

  TemporaryFolder folder_;
  Process process_;
  std::unique_ptr<web::Socket> browser_, page_;
  int calls_ = 0;
  std::vector<std::string> complaints_;
};

/// Number of the latest view, as the page shows it.
const std::string events = "Number(document.querySelector('#events').textContent.split('/')[0].replace(/,/g, ''))";
const std::string status = "document.querySelector('#state-text')?.textContent";

/// Pixels of the present view that are not black.
const std::string lit =
    "(() => { const c = document.querySelector('#view'); const d = c.getContext('2d').getImageData(0, 0, c.width, "
    "c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] > 20; return c.width === 28 && n > 20; "
    "})()";

}  // namespace

TEST_CASE("a browser shows the run, pauses it, steps it by one view, and says how it ended") {
  if (!fs::exists(Browser::program)) {
    MESSAGE("chromium is not installed: the page was not looked at");
    return;
  }
  const TemporaryFolder temporary;
  WatchedRun watched(
      replay(temporary.path / "run", {"images=300", "events=1000000", "checkpoint.every=0", "probe.every=2000",
                                      "probe.images=100", "probe.test_images=300", "probe.epochs=1"}));
  Browser browser;
  browser.open(watched.url());
  REQUIRE(browser.comes(status + " === 'learning'"));
  REQUIRE(browser.comes(events + " > 100"));
  CHECK(browser.comes(lit));
  for (const char* what : {"document.querySelector('#what').textContent.includes('fashion-mnist')",
                           "document.querySelectorAll('#comparisons figure').length >= 2",
                           "document.querySelectorAll('#memory figure').length >= 3",
                           "document.querySelectorAll('#comparisons figure.positive').length === 1",
                           "document.querySelector('#comparisons figcaption').textContent.includes('the same')",
                           "document.querySelectorAll('#past rect.anchor-fill').length >= 20",
                           "document.querySelectorAll('#past circle').length >= 20",
                           "document.querySelectorAll('#margins circle').length === 3",
                           "document.querySelectorAll('#loss-plot path.line').length === 3",
                           "document.querySelectorAll('#active-plot path.line').length === 3",
                           "document.querySelectorAll('#probe circle').length >= 3",
                           "document.querySelectorAll('#probe path.line').length >= 3",
                           "Number(document.querySelector('#probe').dataset.points) >= 3",
                           "/^[0-9.]+ %$/.test(document.querySelector('#probe text.latest').textContent)",
                           "/latest after .* views/.test(document.querySelector('#probe-note').textContent)",
                           "Number(document.querySelector('#rate').textContent.replace(/,/g, '')) > 0",
                           "Number(document.querySelector('#loss').textContent) > 0"})
    CHECK_MESSAGE(browser.comes(what), what);

  browser.value("document.querySelector('#pause').click()");
  REQUIRE(browser.comes(status + " === 'paused'"));
  // The view that it was at may still come.
  const auto standing = [&] {
    for (int tries = 0; tries < 20; ++tries) {
      const std::uint64_t shown = browser.value(events);
      std::this_thread::sleep_for(400ms);
      if (browser.value(events) == shown) return shown;
    }
    return std::uint64_t{0};
  };
  const std::uint64_t held = standing();
  REQUIRE(held > 0);
  CHECK(browser.value("document.querySelector('#pause').textContent") == "Resume");
  browser.value("document.querySelector('#step').click()");
  CHECK(browser.comes(events + " === " + std::to_string(held + 1)));
  CHECK(standing() == held + 1);
  browser.key("ArrowRight", "ArrowRight", 39);
  CHECK(browser.comes(events + " === " + std::to_string(held + 2)));
  browser.key(" ", "Space", 32);
  CHECK(browser.comes(events + " > " + std::to_string(held + 2)));
  browser.value(
      "{ const s = document.querySelector('#speed'); s.value = '10'; s.dispatchEvent(new Event('change')); }");
  CHECK(browser.comes("Number(document.querySelector('#rate').textContent) < 20"));
  CHECK(browser.value("document.documentElement.scrollWidth <= innerWidth") == true);

  watched.process().send(SIGINT);
  CHECK(browser.comes(status + " === 'interrupted'"));
  CHECK(browser.value("document.querySelector('#pause').disabled") == true);
  CHECK(watched.process().wait().code == 130);
  CHECK(browser.comes("document.querySelector('#end').textContent.includes('" +
                      json_of(temporary.path / "run" / "summary.json")["fingerprint"].get<std::string>() + "')"));
  CHECK(browser.value(lit) == true);  // what was seen last stays
  // The end of the run, and advice about how this test reads pictures, are no faults of the page.
  for (const std::string& complaint : browser.complaints())
    if (!contains(complaint, "ERR_CONNECTION_REFUSED") && !contains(complaint, "Canvas2D"))
      CHECK_MESSAGE(complaint.empty(), complaint);
}

TEST_CASE("a browser asks for the token, says that the connection is lost, and finds the next run") {
  if (!fs::exists(Browser::program)) {
    MESSAGE("chromium is not installed: the page was not looked at");
    return;
  }
  const TemporaryFolder temporary;
  write_secret(temporary.path / "token", "0123456789abcdef\n");
  const auto begin = [&](const std::string& out) {
    return std::make_unique<WatchedRun>(
        replay(temporary.path / out, {"images=300", "events=1000000", "probe.enabled=false"}) +
        Arguments{"--token-file", (temporary.path / "token").string()});
  };
  auto watched = begin("first");
  Browser browser;
  browser.open(watched->url());
  REQUIRE(browser.comes(status + " === 'a token is needed'"));
  CHECK(browser.value("document.querySelector('#token-form').hidden") == false);
  const auto tell = [&](const std::string& token) {
    browser.value("document.querySelector('#token').value = '" + token + "'");
    browser.value("document.querySelector('#token-form button').click()");
  };
  tell("wrong-wrong-wrong");
  CHECK(browser.comes(status + " === 'this is not the token'"));
  tell("0123456789abcdef");
  CHECK(browser.comes(status + " === 'learning'"));
  CHECK(browser.value("document.querySelector('#token-form').hidden") == true);
  REQUIRE(browser.comes(lit));
  watched->process().send(SIGKILL);
  CHECK(browser.comes(status + " === 'connection lost; trying again'"));
  CHECK(browser.value("document.querySelector('#pause').disabled") == true);
  CHECK(browser.value(lit) == true);

  // A token behind the # of a link is used, and does not stay in sight.
  watched = begin("second");
  browser.open(watched->url() + "#0123456789abcdef");
  CHECK(browser.comes(status + " === 'learning'"));
  CHECK(browser.value("location.hash") == "");
}

}  // namespace saccade::program
