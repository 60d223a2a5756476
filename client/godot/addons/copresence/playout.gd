class_name CopresencePlayout
extends RefCounted
## The moment at which one participant is drawn: so late that nearly always the next sample is there in time, and never by a jump.
##
## The moment between two samples can be drawn once the later one is there. So a sample needs a delay of its arrival minus the capture time of the one
## before it, which holds the network, its jitter, the wait for a tick and the time between samples at once. The delay wanted is the 99th percentile
## of what was needed in the last seconds. The moment drawn goes on with time itself, a little slower or faster until it is as late as wanted.

const MAX_DELAY_MS := 250.0
const _BIN_MS := 2.0
const _BINS := 125
const _LATE_SHARE := 0.01
## By when an arrival counts 1/e.
const _MEMORY_MS := 8000.0
const _LARGEST_WEIGHT := 1e6
## Added to the age of a first sample, when nothing is known of the second.
const _FIRST_MARGIN_MS := 50.0
const _SLOWEST_RATE := 0.95
const _FASTEST_RATE := 1.02
const _SETTLE_MS := 500.0
## Further off than this, time itself is another: the program stood still, or the server's clock was misjudged.
const _LEAP_MS := 1000.0

var _weights := PackedFloat64Array()
var _weight := 1.0
var _sum := 0.0
var _newest_ms := -INF
var _wanted_ms := MAX_DELAY_MS
var _is_fresh := true
var _render_ms := -INF
var _device_ms := 0.0


func _init() -> void:
	_weights.resize(_BINS)


## Takes an arrival in, later than those before; both on the server's clock.
func add(capture_ms: float, arrived_ms: float) -> void:
	var before := _newest_ms
	_newest_ms = capture_ms
	if before == -INF:
		_wanted_ms = clampf(arrived_ms - capture_ms + _FIRST_MARGIN_MS, 0.0, MAX_DELAY_MS)
	# What is further apart was an outage or a rest; it is not drawn as one motion, however late that were.
	if capture_ms - before > CopresenceSampleBuffer.MAX_GAP_MS:
		return
	_weight *= exp((capture_ms - before) / _MEMORY_MS)
	if _weight > _LARGEST_WEIGHT:
		_scale_down()
	var bin := mini(_BINS - 1, int(clampf(arrived_ms - before, 0.0, MAX_DELAY_MS) / _BIN_MS))
	_weights[bin] += _weight
	_sum += _weight
	_is_fresh = false


## How late this participant has to be drawn.
func wanted_delay_ms() -> float:
	if _is_fresh:
		return _wanted_ms
	_is_fresh = true
	var late := _sum * _LATE_SHARE
	var bin := _BINS - 1
	while bin > 0 and _weights[bin] <= late:
		late -= _weights[bin]
		bin -= 1
	_wanted_ms = (bin + 1) * _BIN_MS
	return _wanted_ms


## The moment to draw now, on the server's clock. It never goes back, but for a leap.
func render_ms(device_ms: float, server_ms: float) -> float:
	var step_ms := maxf(0.0, device_ms - _device_ms)
	var wanted_ms := server_ms - wanted_delay_ms()
	_device_ms = maxf(_device_ms, device_ms)
	var off_ms := wanted_ms - _render_ms - step_ms
	if absf(off_ms) > _LEAP_MS:
		_render_ms = wanted_ms
	else:
		_render_ms += step_ms * clampf(1.0 + off_ms / maxf(_SETTLE_MS, step_ms), _SLOWEST_RATE, _FASTEST_RATE)
	return _render_ms


func _scale_down() -> void:
	for bin in _BINS:
		_weights[bin] /= _weight
	_sum /= _weight
	_weight = 1.0
