class_name CopresenceCodec
extends RefCounted
## The wire formats of poses, hands, snapshots and packets, by the numbered rules of docs/spec.md. Nothing here trusts what came from outside.

## Why bytes cannot be read, or a sample cannot be sent; [constant PROBLEM_CODES] names them as docs/spec.md does.
enum Problem { NONE, MESSAGE_INVALID, POSE_NOT_FINITE, POSE_OUT_OF_RANGE, PACKET_MALFORMED, PACKET_TOO_LARGE }
enum Kind { CONTROL = 1, POSE_SAMPLE = 2, SNAPSHOT = 16 }

const PROBLEM_CODES: Array[String] = ["", "MESSAGE_INVALID", "POSE_NOT_FINITE", "POSE_OUT_OF_RANGE", "PACKET_MALFORMED", "PACKET_TOO_LARGE"]
const POSE_BYTES := 10
const JOINT_BYTES := 7
const HAND_BYTES := 178
const SAMPLE_HEADER_BYTES := 6
const MAX_SAMPLE_BYTES := 392
const SNAPSHOT_HEADER_BYTES := 11
const PACKET_BYTES := 524288
const MESSAGES_PER_PACKET := 256
const MAX_SLOT := 1023
const MAX_POSITION_M := 32.767

const _TICKS_PER_MS := 16.0
const _TICKS := 4294967296
const _NOT_FINITE := -32768
const _HALF := 511
const _SCALE := _HALF * 1.4142135623730951
const _STEP := 1.0 / _SCALE
## The sum of squares, in steps, of a quaternion's length.
const _WHOLE := 2 * _HALF * _HALF


# ── numbers ──────────────────────────────────────────────────────────────────

## Milliseconds to ticks of the wire, modulo 2^32 [NUM1].
static func to_ticks(time_ms: float) -> int:
	return int(floorf(time_ms * _TICKS_PER_MS + 0.5)) & (_TICKS - 1)


## Ticks of the wire to the time nearest to [param near_ms]: right while the two are within 37 hours.
static func from_ticks(ticks: int, near_ms: float) -> float:
	var difference := (ticks - to_ticks(near_ms)) & (_TICKS - 1)
	if difference >= _TICKS / 2:
		difference -= _TICKS
	return (floorf(near_ms * _TICKS_PER_MS + 0.5) + difference) / _TICKS_PER_MS


## Packs an orientation into 32 bits, within 0.2 degrees [NUM3] [NUM5].
static func pack_quaternion(q: Quaternion) -> int:
	var largest := 3
	var size := absf(q.w)
	var value := q.w
	var a := q.x
	var b := q.y
	var c := q.z
	if absf(q.x) > size:
		largest = 0; size = absf(q.x); value = q.x; a = q.y; b = q.z; c = q.w
	if absf(q.y) > size:
		largest = 1; size = absf(q.y); value = q.y; a = q.x; b = q.z; c = q.w
	if absf(q.z) > size:
		largest = 2; size = absf(q.z); value = q.z; a = q.x; b = q.y; c = q.w
	var length := sqrt(value * value + a * a + b * b + c * c)
	if not length > 1e-9:
		return 3 << 30 | _HALF << 20 | _HALF << 10 | _HALF
	var scale := (-_SCALE if value < 0.0 else _SCALE) / length
	var ea := a * scale + _HALF
	var eb := b * scale + _HALF
	var ec := c * scale + _HALF
	var ra := int(ea + 0.5)
	var rb := int(eb + 0.5)
	var rc := int(ec + 0.5)
	var sa := (ra - ea) * a
	var sb := (rb - eb) * b
	var sc := (rc - ec) * c
	var slip := sa + sb + sc
	if absf(slip) > 0.6 * size:
		# All four are near 1/2: the one that adds most to the slip is rounded the other way.
		var toward := -1.0 if slip < 0.0 else 1.0
		if sa * toward >= sb * toward and sa * toward >= sc * toward:
			ra -= int(signf(ra - ea))
		elif sb * toward >= sc * toward:
			rb -= int(signf(rb - eb))
		else:
			rc -= int(signf(rc - ec))
	return largest << 30 | ra << 20 | rb << 10 | rc


## Any 32 bits give a unit quaternion [NUM4].
static func unpack_quaternion(packed: int) -> Quaternion:
	var a := (packed >> 20 & 1023) - _HALF
	var b := (packed >> 10 & 1023) - _HALF
	var c := (packed & 1023) - _HALF
	var squares := a * a + b * b + c * c
	var step := 1.0 / _SCALE
	var rest := 0.0
	if squares <= _WHOLE:
		rest = sqrt(_WHOLE - squares) * step
	else:
		step = 1.0 / sqrt(squares)
	match packed >> 30:
		0: return Quaternion(rest, a * step, b * step, c * step)
		1: return Quaternion(a * step, rest, b * step, c * step)
		2: return Quaternion(a * step, b * step, rest, c * step)
	return Quaternion(a * step, b * step, c * step, rest)


# ── poses and hands ──────────────────────────────────────────────────────────

## Writes POSE_BYTES of a position within MAX_POSITION_M [POS2]. Single numbers are 64 bits wide in GDScript, those of a vector 32: so each axis is rounded by itself.
static func encode_pose(position: Vector3, orientation: Quaternion, bytes: PackedByteArray, at: int) -> void:
	bytes.encode_s16(at, int(floorf(position.x * 1000.0 + 0.5)))
	bytes.encode_s16(at + 2, int(floorf(position.y * 1000.0 + 0.5)))
	bytes.encode_s16(at + 4, int(floorf(position.z * 1000.0 + 0.5)))
	bytes.encode_u32(at + 6, pack_quaternion(orientation))


static func decode_position(bytes: PackedByteArray, at: int) -> Vector3:
	return Vector3(bytes.decode_s16(at), bytes.decode_s16(at + 2), bytes.decode_s16(at + 4)) / 1000.0


## Whether none of the three coordinates stands for "not a number".
static func is_pose_finite(bytes: PackedByteArray, at: int) -> bool:
	return bytes.decode_s16(at) != _NOT_FINITE and bytes.decode_s16(at + 2) != _NOT_FINITE and bytes.decode_s16(at + 4) != _NOT_FINITE


## Writes HAND_BYTES, joints relative to the wrist as the decoder will see it [HND1] [HND2].
static func encode_hand(sample: CopresencePoseSample, first: int, bytes: PackedByteArray, at: int) -> Problem:
	var positions := sample.positions
	var orientations := sample.orientations
	for place in range(first, first + CopresencePoseSample.HAND_JOINTS):
		if not positions[place].is_finite() or not orientations[place].is_finite():
			return Problem.POSE_NOT_FINITE
	if not _is_in_range(positions[first]):
		return Problem.POSE_OUT_OF_RANGE
	encode_pose(positions[first], orientations[first], bytes, at)
	var wrist := decode_position(bytes, at)
	var inverse := unpack_quaternion(bytes.decode_u32(at + 6)).inverse()
	var to := at + POSE_BYTES
	for place in range(first + 1, first + CopresencePoseSample.HAND_JOINTS):
		var from_wrist := inverse * (positions[place] - wrist)
		bytes[to] = clampi(int(floorf(from_wrist.x * 1000.0 + 127.5)), 0, 255)
		bytes[to + 1] = clampi(int(floorf(from_wrist.y * 1000.0 + 150.5)), 0, 255)
		bytes[to + 2] = clampi(int(floorf(from_wrist.z * 1000.0 + 225.5)), 0, 255)
		bytes.encode_u32(to + 3, pack_quaternion(inverse * orientations[place]))
		to += JOINT_BYTES
	return Problem.NONE


## Reads HAND_BYTES whose wrist is finite. The orientations are unpacked here, as [method unpack_quaternion] does it: the calls would cost as much again.
static func decode_hand(bytes: PackedByteArray, at: int, sample: CopresencePoseSample, first: int) -> void:
	var positions := sample.positions
	var orientations := sample.orientations
	var wrist := decode_position(bytes, at)
	var turn := unpack_quaternion(bytes.decode_u32(at + 6))
	positions[first] = wrist
	orientations[first] = turn
	var from := at + POSE_BYTES
	for place in range(first + 1, first + CopresencePoseSample.HAND_JOINTS):
		var packed := bytes.decode_u32(from + 3)
		var a := (packed >> 20 & 1023) - _HALF
		var b := (packed >> 10 & 1023) - _HALF
		var c := (packed & 1023) - _HALF
		var rest := _WHOLE - a * a - b * b - c * c
		if rest < 0:
			orientations[place] = turn * unpack_quaternion(packed)
		else:
			# In steps: the product is scaled to unit length afterwards.
			var largest := sqrt(rest)
			var q: Quaternion
			if packed >= 3 << 30:
				q = Quaternion(a, b, c, largest)
			elif packed >= 2 << 30:
				q = Quaternion(a, b, largest, c)
			elif packed >= 1 << 30:
				q = Quaternion(a, largest, b, c)
			else:
				q = Quaternion(largest, a, b, c)
			orientations[place] = turn * q * _STEP
		positions[place] = wrist + turn * (Vector3(bytes[from] - 127, bytes[from + 1] - 150, bytes[from + 2] - 225) * 0.001)
		from += JOINT_BYTES


# ── samples ──────────────────────────────────────────────────────────────────

static func sample_bytes(valid: int) -> int:
	var size := SAMPLE_HEADER_BYTES
	for part in 5:
		if valid & 1 << part:
			size += POSE_BYTES if part < 3 else HAND_BYTES
	return size


## Writes a sample into [param bytes], which has room for MAX_SAMPLE_BYTES from [param at] on [POS5].
## Gives its size, or, below nothing, the negated [enum Problem].
static func encode_sample(sample: CopresencePoseSample, bytes: PackedByteArray, at: int) -> int:
	if not is_finite(sample.capture_ms):
		return -Problem.POSE_NOT_FINITE
	var valid := sample.valid & CopresencePoseSample.Part.ALL
	bytes.encode_u32(at, to_ticks(sample.capture_ms))
	bytes[at + 4] = valid
	bytes[at + 5] = (sample.tracked & valid) | (sample.space_epoch & 7) << 5
	var to := at + SAMPLE_HEADER_BYTES
	for part in 3:
		if not valid & 1 << part:
			continue
		var position := sample.positions[part]
		if not position.is_finite() or not sample.orientations[part].is_finite():
			return -Problem.POSE_NOT_FINITE
		if not _is_in_range(position):
			return -Problem.POSE_OUT_OF_RANGE
		encode_pose(position, sample.orientations[part], bytes, to)
		to += POSE_BYTES
	for hand in 2:
		if not valid & 8 << hand:
			continue
		var problem := encode_hand(sample, CopresencePoseSample.RIGHT_HAND if hand else CopresencePoseSample.LEFT_HAND, bytes, to)
		if problem != Problem.NONE:
			return -problem
		to += HAND_BYTES
	return to - at


## Looks at a sample at the head of what is left up to [param end], without reading its poses [POS6].
## Gives its size, or, below nothing, the negated [enum Problem].
static func check_sample(bytes: PackedByteArray, at: int, end: int) -> int:
	if end - at < SAMPLE_HEADER_BYTES:
		return -Problem.MESSAGE_INVALID
	var valid := bytes[at + 4]
	var size := sample_bytes(valid & 31)
	if valid > 31 or (bytes[at + 5] & 31 & ~valid) != 0 or end - at < size:
		return -Problem.MESSAGE_INVALID
	var from := at + SAMPLE_HEADER_BYTES
	for part in 5:
		if not valid & 1 << part:
			continue
		if not is_pose_finite(bytes, from):
			return -Problem.POSE_NOT_FINITE
		from += POSE_BYTES if part < 3 else HAND_BYTES
	return size


## Reads a sample that [method check_sample] has passed.
static func decode_sample(bytes: PackedByteArray, at: int, near_ms: float, into: CopresencePoseSample) -> void:
	into.capture_ms = from_ticks(bytes.decode_u32(at), near_ms)
	into.valid = bytes[at + 4]
	into.tracked = bytes[at + 5] & 31
	into.space_epoch = bytes[at + 5] >> 5
	var from := at + SAMPLE_HEADER_BYTES
	for part in 3:
		if into.valid & 1 << part:
			into.positions[part] = decode_position(bytes, from)
			into.orientations[part] = unpack_quaternion(bytes.decode_u32(from + 6))
			from += POSE_BYTES
	if into.valid & CopresencePoseSample.Part.LEFT_HAND:
		decode_hand(bytes, from, into, CopresencePoseSample.LEFT_HAND)
		from += HAND_BYTES
	if into.valid & CopresencePoseSample.Part.RIGHT_HAND:
		decode_hand(bytes, from, into, CopresencePoseSample.RIGHT_HAND)


# ── snapshots and packets ────────────────────────────────────────────────────

## Looks at a snapshot and fills [param entries] with the slot and the place of each sample, two numbers each [SNP1] [SNP4].
static func read_snapshot(bytes: PackedByteArray, at: int, end: int, entries: PackedInt32Array) -> Problem:
	entries.clear()
	if end - at < SNAPSHOT_HEADER_BYTES or bytes[at + 8] > 1:
		return Problem.MESSAGE_INVALID
	var from := at + SNAPSHOT_HEADER_BYTES
	for entry in bytes.decode_u16(at + 9):
		if end - from < 2:
			return Problem.MESSAGE_INVALID
		var size := check_sample(bytes, from + 2, end)
		if size < 0:
			return -size as Problem
		entries.push_back(bytes.decode_u16(from))
		entries.push_back(from + 2)
		from += 2 + size
	return Problem.NONE if from == end else Problem.MESSAGE_INVALID


## Looks at a packet and fills [param messages] with kind, start and end of each message, three numbers each [PKT1] [PKT4].
static func read_packet(bytes: PackedByteArray, messages: PackedInt32Array) -> Problem:
	messages.clear()
	var size := bytes.size()
	if size > PACKET_BYTES:
		return Problem.PACKET_TOO_LARGE
	var at := 0
	while at < size:
		if messages.size() == 3 * MESSAGES_PER_PACKET:
			return Problem.PACKET_MALFORMED
		messages.push_back(bytes[at])
		at += 1
		var length := 0
		var shift := 0
		while true:
			if at >= size or shift > 21:
				return Problem.PACKET_MALFORMED
			length |= (bytes[at] & 127) << shift
			shift += 7
			at += 1
			if bytes[at - 1] < 128:
				break
		if size - at < length:
			return Problem.PACKET_MALFORMED
		messages.push_back(at)
		at += length
		messages.push_back(at)
	return Problem.NONE if size > 0 else Problem.PACKET_MALFORMED


## A packet of one message [PKT2].
static func frame_message(kind: Kind, payload: PackedByteArray) -> PackedByteArray:
	var packet := PackedByteArray([kind])
	var rest := payload.size()
	while rest > 127:
		packet.push_back(rest & 127 | 128)
		rest >>= 7
	packet.push_back(rest)
	packet.append_array(payload)
	return packet


static func _is_in_range(position: Vector3) -> bool:
	var size := position.abs()
	return maxf(size.x, maxf(size.y, size.z)) <= MAX_POSITION_M
