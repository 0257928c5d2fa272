(function () {
  var MARKS = { done: "✓", now: "◐", failed: "✕", waiting: "○" };
  var page = document.getElementById("sandlot-pending");
  var bar = document.getElementById("sandlot-progress");
  var log = document.getElementById("sandlot-log");
  var failure = document.getElementById("sandlot-failure");
  var connection = document.getElementById("sandlot-connection");
  var cancel = document.getElementById("sandlot-cancel");
  var elapsed = document.getElementById("sandlot-elapsed");
  var began = Date.now() - Number(page.dataset.seconds) * 1000;
  var over = false;

  function showElapsed() {
    var seconds = Math.max(0, Math.round((Date.now() - began) / 1000));
    var minutes = Math.floor(seconds / 60);
    elapsed.textContent = (minutes ? minutes + " min " : "") + (seconds % 60) + " s";
  }

  function setStep(step, state, text) {
    step.dataset.state = state;
    step.querySelector(".sandlot-mark").textContent = MARKS[state];
    if (text) step.querySelector(".sandlot-text").textContent = text;
  }

  function showStep(event) {
    var steps = Array.from(page.querySelectorAll("[data-step]"));
    var position = steps.findIndex(function (step) { return step.dataset.step === event.step; });
    steps.forEach(function (step, index) {
      if (index < position && step.dataset.state !== "done") setStep(step, "done");
    });
    if (position >= 0) setStep(steps[position], event.state, event.message);
  }

  function note(text) {
    var line = document.createElement("div");
    line.textContent = text;
    log.prepend(line);
  }

  function showProgress(percent) {
    bar.setAttribute("aria-valuenow", percent);
    bar.firstElementChild.style.width = percent + "%";
  }

  function end() {
    over = true;
    events.close();
    clearInterval(timer);
  }

  function fail(event) {
    end();
    document.getElementById("sandlot-doing").textContent = "Did not start";
    document.getElementById("sandlot-lead").hidden = true;
    page.querySelectorAll('[data-state="now"]').forEach(function (step) { setStep(step, "failed"); });
    bar.firstElementChild.classList.add("bg-danger");
    // The HTML is the hub's: a sentence that it has escaped, with the code in small print.
    if (event.html_message) failure.innerHTML = event.html_message;
    else failure.textContent = event.message;
    failure.hidden = false;
    var again = document.getElementById("sandlot-again");
    again.hidden = false;
    document.getElementById("sandlot-change").hidden = false;
    // Whoever was on the button that goes away stays in this place of the page.
    if (document.activeElement === cancel) again.focus();
    cancel.hidden = true;
  }

  var timer = setInterval(showElapsed, 1000);
  showElapsed();

  var events = new EventSource(page.dataset.progressUrl);
  events.onopen = function () {
    // A new connection tells everything from the beginning.
    log.replaceChildren();
    connection.textContent = "";
  };
  events.onmessage = function (message) {
    var event = JSON.parse(message.data);
    if (event.ready) {
      end();
      // The hub answers with the way to the server.
      window.location.reload();
      return;
    }
    if (event.progress !== undefined) showProgress(event.progress);
    if (event.failed) {
      fail(event);
      return;
    }
    if (event.step) showStep(event);
    (event.details || []).forEach(note);
    // The sentence of a failure comes once more, from the hub, and stands above.
    if (event.message && event.state !== "failed") note(event.message);
  };
  events.onerror = function () {
    if (over) return;
    connection.textContent = "The connection to the hub was lost, trying again…";
    // A browser gives up when the hub refuses: the start is over, and the page says how.
    if (events.readyState === EventSource.CLOSED) setTimeout(function () { window.location.reload(); }, 2000);
  };

  cancel.addEventListener("click", function () {
    cancel.disabled = true;
    connection.textContent = "Cancelling the start…";
    fetch(page.dataset.serverUrl, {
      method: "DELETE",
      credentials: "same-origin",
      headers: { "X-XSRFToken": page.dataset.xsrf },
    })
      .then(function (reply) {
        if (!reply.ok) throw new Error("status " + reply.status);
        window.location.assign(page.dataset.spawnUrl);
      })
      .catch(function (error) {
        cancel.disabled = false;
        connection.textContent = "The start could not be cancelled (" + error.message + "). Next: try again.";
      });
  });
})();
