"""The client behind `paper-processing submit`, `watch` and `check`: HTTP to act, a WebSocket to see."""
