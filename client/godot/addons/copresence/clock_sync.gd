class_name CopresenceClockSync
extends RefCounted
## The server's clock, estimated from the exchange with the shortest round trip of the last eight [TIM2].

const _WINDOW := 8
## Browsers round their clock, so that a short round trip can come out below nothing.
const _CLOCK_STEP_MS := 1.0

## Server clock minus device clock.
var offset_ms := 0.0
## The shortest round trip; 0 before the first exchange.
var rtt_ms := 0.0
var _offsets := PackedFloat64Array()
var _trips := PackedFloat64Array()


## A first guess from one message that took an unknown time; an exchange replaces it.
func guess(server_ms: float, received_ms: float) -> void:
	if _trips.is_empty():
		offset_ms = server_ms - received_ms


## One question and answer: the first and the last time on the device's clock, the others on the server's. Impossible ones change nothing.
func add(device_ms: float, arrived_ms: float, sent_ms: float, received_ms: float) -> void:
	var trip_ms := received_ms - device_ms - (sent_ms - arrived_ms)
	if trip_ms < -_CLOCK_STEP_MS or sent_ms < arrived_ms:
		return
	if _trips.size() == _WINDOW:
		_trips.remove_at(0)
		_offsets.remove_at(0)
	_trips.push_back(maxf(0.0, trip_ms))
	_offsets.push_back(((arrived_ms - device_ms) + (sent_ms - received_ms)) / 2.0)
	var best := 0
	for index in _trips.size():
		if _trips[index] < _trips[best]:
			best = index
	offset_ms = _offsets[best]
	rtt_ms = _trips[best]


## Forgets everything but the last offset: another connection may lead to another server.
func restart() -> void:
	_offsets.clear()
	_trips.clear()
