extends Node3D
## What the codec and the avatars cost, as JSON lines: microseconds of this thread. First encoding and decoding one sample; then, for some seconds of frames,
## AVATARS people with two hands each, whose samples come 72 times a second: taking snapshots in, finding where everybody is now, and moving their bodies.

const AVATARS := 20
const TICK_HZ := 72.0
const FRAMES := 300
const SLICES := 150
const ROUNDS := 40
## Rice codes that a delta of two hands has at least: seven numbers of 50 joints.
const NUMBERS := 350

var _client := CopresenceClient.new()
var _bodies: Array[CopresenceAvatar] = []
var _own := CopresencePoseSample.new()
var _bytes := PackedByteArray()
var _tick := 0
var _start_ms := 0.0
## Microseconds, of each snapshot or frame.
var _take := PackedInt64Array()
var _find := PackedInt64Array()
var _move := PackedInt64Array()


func _ready() -> void:
	_bytes.resize(CopresenceCodec.MAX_SAMPLE_BYTES)
	CopresencePuppet.pose(1.0, Transform3D.IDENTITY, _own)
	_measure("head and two hands")
	_own.valid = 1 | 2 | 4
	_measure("head and two controllers")
	_measure_bits()
	for slot in AVATARS:
		var body := CopresenceAvatar.new()
		body.position.x = slot
		add_child(body)
		_bodies.push_back(body)
	_start_ms = CopresenceClient.now_ms()


## The quickest of SLICES, since other programs disturb the others.
func _measure(shape: String) -> void:
	var size := CopresenceCodec.encode_sample(_own, _bytes, 0)
	var encode_us := _quickest(func() -> void: CopresenceCodec.encode_sample(_own, _bytes, 0))
	var decode_us := _quickest(func() -> void:
		if CopresenceCodec.check_sample(_bytes, 0, _bytes.size()) > 0:
			CopresenceCodec.decode_sample(_bytes, 0, 0.0, _own))
	print(JSON.stringify({"shape": shape, "bytes": size, "encodeUs": encode_us, "decodeUs": decode_us}))


func _quickest(run: Callable) -> float:
	var least_us := INF
	for slice in SLICES:
		var start := Time.get_ticks_usec()
		for round in ROUNDS:
			run.call()
		least_us = minf(least_us, float(Time.get_ticks_usec() - start) / ROUNDS)
	return least_us


## Reading the numbers of a delta alone, without what is expected of each.
func _measure_bits() -> void:
	var bits := PackedByteArray()
	bits.resize(NUMBERS)
	bits.fill(0x52)
	var decode_us := _quickest(func() -> void:
		var at := 0
		for number in NUMBERS:
			var ones := 0
			while bits[at >> 3] >> (7 - (at & 7)) & 1:
				ones += 1
				at += 1
			var folded := ones << 2 | (bits.decode_u16((at + 1) >> 3) >> ((at + 1) & 7) & 3)
			at += 3
			_own.space_epoch = (folded >> 1) ^ -(folded & 1))
	print(JSON.stringify({"shape": "the numbers of a delta of two hands, read alone", "decodeUs": decode_us}))


func _process(_delta: float) -> void:
	var now_ms := CopresenceClient.now_ms()
	while _tick < (now_ms - _start_ms) / 1000.0 * TICK_HZ:
		_tick += 1
		var snapshot := _snapshot(_start_ms + _tick * 1000.0 / TICK_HZ)
		var start := Time.get_ticks_usec()
		_client._take_snapshot(snapshot, 0, snapshot.size())
		_take.push_back(Time.get_ticks_usec() - start)
	var found_us := 0
	var moved_us := 0
	for slot in AVATARS:
		var start := Time.get_ticks_usec()
		var source := _client.avatar_now(slot, _own)
		var between := Time.get_ticks_usec()
		if source != CopresenceSampleBuffer.Source.NONE:
			_bodies[slot].show_pose(_own, source)
		found_us += between - start
		moved_us += Time.get_ticks_usec() - between
	_find.push_back(found_us)
	_move.push_back(moved_us)
	if _find.size() == FRAMES:
		var fps := FRAMES / (now_ms - _start_ms) * 1000.0
		print(JSON.stringify({"avatars": AVATARS, "framesPerSecond": fps, "takeUsASnapshot": _median(_take), "findUsAFrame": _median(_find), "moveUsAFrame": _median(_move)}))
		_client.free()
		get_tree().quit()


static func _median(values: PackedInt64Array) -> int:
	values.sort()
	return values[values.size() / 2]


func _snapshot(capture_ms: float) -> PackedByteArray:
	var snapshot := PackedByteArray()
	snapshot.resize(CopresenceCodec.SNAPSHOT_HEADER_BYTES)
	snapshot.encode_u16(9, AVATARS)
	CopresencePuppet.pose(capture_ms / 1000.0, Transform3D.IDENTITY, _own)
	_own.capture_ms = capture_ms
	var size := CopresenceCodec.encode_sample(_own, _bytes, 0)
	for slot in AVATARS:
		snapshot.append_array(PackedByteArray([slot, 0]))
		snapshot.append_array(_bytes.slice(0, size))
	return snapshot
