// Sign of life of a served app that sends none itself. A browser answers the server's pings even while the page hangs or
// nobody sees it. So only this message counts, and it is sent only while the page is visible and its scripts run.
(function () {
  "use strict";
  var scheme = location.protocol === "https:" ? "wss://" : "ws://";
  var socket, wait = 500;

  function open() {
    socket = new WebSocket(scheme + location.host + "/api/v1/socket");
    socket.onopen = function () {
      wait = 500;
    };
    // For ever, also after a refusal, and more and more seldom: the server may be starting, and this device may be paired in
    // another tab.
    socket.onclose = function () {
      wait = Math.min(2 * wait, 10000);
      setTimeout(open, wait);
    };
  }

  open();
  setInterval(function () {
    if (document.visibilityState === "visible" && socket.readyState === WebSocket.OPEN) {
      socket.send('{"type":"alive","of":"app"}');
    }
  }, 500);
})();
