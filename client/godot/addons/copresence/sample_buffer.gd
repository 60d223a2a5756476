class_name CopresenceSampleBuffer
extends RefCounted
## The newest samples of one participant, and where they are at a moment between two of them.
##
## Samples are kept as the bytes that came, and read only when they are drawn: who is not drawn costs next to nothing.

## What a drawn pose is made of.
enum Source {
	NONE, ## Nothing is known.
	INTERPOLATED,
	EXTRAPOLATED, ## The newest motion goes on, for at most MAX_AHEAD_MS.
	HELD, ## Nothing newer has come for a while: draw it so that it is seen to be old.
}

const MAX_AHEAD_MS := 100.0
## Samples further apart are not one motion.
const MAX_GAP_MS := 250.0
## A quarter of a second at 120 Hz: as much as the largest delay.
const _CAPACITY := 32
## A capture time this far before the newest one starts a new time line instead of being late.
const _RESTART_MS := 1000.0

var _times := PackedFloat64Array()
var _places := PackedInt32Array()
var _packets: Array[PackedByteArray] = []
var _samples: Array[CopresencePoseSample] = []
var _is_read := PackedByteArray()
var _first := 0
var _length := 0


func _init() -> void:
	_times.resize(_CAPACITY)
	_places.resize(_CAPACITY)
	_packets.resize(_CAPACITY)
	_samples.resize(_CAPACITY)
	_is_read.resize(_CAPACITY)


## Takes a sample of bytes that [method CopresenceCodec.check_sample] has passed; false when one of its time or newer is there already.
func add(bytes: PackedByteArray, at: int, capture_ms: float) -> bool:
	if _length > 0:
		var newest_ms := _times[_index(_length - 1)]
		if capture_ms <= newest_ms:
			if capture_ms > newest_ms - _RESTART_MS:
				return false
			_length = 0
	if _length == _CAPACITY:
		_first = (_first + 1) % _CAPACITY
	else:
		_length += 1
	var index := _index(_length - 1)
	_times[index] = capture_ms
	_places[index] = at
	_packets[index] = bytes
	_is_read[index] = 0
	return true


## Writes where the participant is at [param server_ms].
func sample_at(server_ms: float, into: CopresencePoseSample) -> Source:
	if _length == 0:
		return Source.NONE
	var newest := _index(_length - 1)
	if server_ms > _times[newest]:
		return _beyond(newest, server_ms, into)
	var after := _length - 1
	while after > 0 and _times[_index(after - 1)] >= server_ms:
		after -= 1
	var next := _index(after)
	if after == 0:
		into.copy_from(_read(next))
		return Source.INTERPOLATED if _times[next] == server_ms else Source.HELD
	return _between(_index(after - 1), next, server_ms, into)


func _between(previous: int, next: int, server_ms: float, into: CopresencePoseSample) -> Source:
	# Samples further apart are not one motion: the earlier one is held until this long before the later.
	var start_ms := maxf(_times[previous], _times[next] - MAX_GAP_MS)
	into.copy_from(_read(previous))
	if server_ms < start_ms or not _are_of_one_space(previous, next):
		return Source.HELD
	_blend(_read(previous), _read(next), (server_ms - start_ms) / (_times[next] - start_ms), into)
	into.capture_ms = server_ms
	return Source.INTERPOLATED


## Goes on with the last motion, then stands: a longer guess shows motion that nobody made.
func _beyond(newest: int, server_ms: float, into: CopresencePoseSample) -> Source:
	var ahead_ms := server_ms - _times[newest]
	into.copy_from(_read(newest))
	if _length > 1:
		var before := _index(_length - 2)
		var span_ms := _times[newest] - _times[before]
		if span_ms <= MAX_GAP_MS and _are_of_one_space(before, newest):
			_blend(_read(before), _read(newest), 1.0 + minf(ahead_ms, MAX_AHEAD_MS) / span_ms, into)
	return Source.EXTRAPOLATED if ahead_ms <= MAX_AHEAD_MS else Source.HELD


func _are_of_one_space(one: int, other: int) -> bool:
	return _read(one).space_epoch == _read(other).space_epoch


## Blends the parts that both have, and leaves the others as they are in [param into].
static func _blend(from: CopresencePoseSample, to: CopresencePoseSample, weight: float, into: CopresencePoseSample) -> void:
	var both := from.valid & to.valid
	for place in 3:
		if both & 1 << place:
			_blend_places(from, to, weight, into, place, place + 1)
	if both & CopresencePoseSample.Part.LEFT_HAND:
		_blend_places(from, to, weight, into, CopresencePoseSample.LEFT_HAND, CopresencePoseSample.RIGHT_HAND)
	if both & CopresencePoseSample.Part.RIGHT_HAND:
		_blend_places(from, to, weight, into, CopresencePoseSample.RIGHT_HAND, CopresencePoseSample.PLACES)


static func _blend_places(from: CopresencePoseSample, to: CopresencePoseSample, weight: float, into: CopresencePoseSample, first: int, end: int) -> void:
	var from_positions := from.positions
	var to_positions := to.positions
	var positions := into.positions
	var from_orientations := from.orientations
	var to_orientations := to.orientations
	var orientations := into.orientations
	for place in range(first, end):
		positions[place] = from_positions[place].lerp(to_positions[place], weight)
		orientations[place] = from_orientations[place].slerp(to_orientations[place], weight)


func _read(index: int) -> CopresencePoseSample:
	var sample := _samples[index]
	if sample == null:
		sample = CopresencePoseSample.new()
		_samples[index] = sample
	if not _is_read[index]:
		_is_read[index] = 1
		CopresenceCodec.decode_sample(_packets[index], _places[index], _times[index], sample)
	return sample


func _index(age: int) -> int:
	return (_first + age) % _CAPACITY
