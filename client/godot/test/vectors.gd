extends Node
## The golden vectors (res://vectors/, from protocol/vectors/): prints each that fails, then how many passed and failed.

var _passed := 0
var _failed := 0
var _tolerances := {}


func _ready() -> void:
	_tolerances = _load("index")["tolerances"]
	for format: String in ["quaternion", "pose", "hand", "pose-sample", "snapshot", "container", "down", "up", "refused"]:
		var check := Callable(self, "_check_" + format.replace("-", "_"))
		for vector: Dictionary in _load(format)["vectors"]:
			if format == "refused":
				_check_refused(vector)
			else:
				_count(check.call(_bytes(vector["hex"]), vector), format + ": " + vector["name"])
	_count(_survives_damage(), "hostile bytes")
	print("%d passed, %d failed" % [_passed, _failed])
	get_tree().quit(1 if _failed else 0)


func _check_quaternion(bytes: PackedByteArray, vector: Dictionary) -> bool:
	var packed := bytes.decode_u32(0)
	var q := CopresenceCodec.unpack_quaternion(packed)
	var source: Array = vector.get("source", [q.x, q.y, q.z, q.w])
	return _is_near([q.x, q.y, q.z, q.w], vector["decoded"], "decodedComponent") and (not vector.has("source") or CopresenceCodec.pack_quaternion(_quaternion(source, 0)) == packed)


func _check_pose(bytes: PackedByteArray, vector: Dictionary) -> bool:
	var again := PackedByteArray()
	again.resize(CopresenceCodec.POSE_BYTES)
	var p := CopresenceCodec.decode_position(bytes, 0)
	var q := CopresenceCodec.unpack_quaternion(bytes.decode_u32(6))
	if not CopresenceCodec.is_pose_finite(bytes, 0) or not _is_pose_near(p, q, vector["decoded"]):
		return false
	if vector.has("source"):
		CopresenceCodec.encode_pose(_vector(vector["source"]), _quaternion(vector["source"], 3), again, 0)
	return not vector.has("source") or again == bytes


func _check_hand(bytes: PackedByteArray, vector: Dictionary) -> bool:
	var sample := CopresencePoseSample.new()
	CopresenceCodec.decode_hand(bytes, 0, sample, CopresencePoseSample.LEFT_HAND)
	if not _is_hand_near(sample, CopresencePoseSample.LEFT_HAND, vector["decoded"]):
		return false
	if not vector.has("source"):
		return true
	var again := PackedByteArray()
	again.resize(CopresenceCodec.HAND_BYTES)
	_fill_hand(sample, CopresencePoseSample.LEFT_HAND, vector["source"])
	return CopresenceCodec.encode_hand(sample, CopresencePoseSample.LEFT_HAND, again, 0) == CopresenceCodec.Problem.NONE and again == bytes


func _check_pose_sample(bytes: PackedByteArray, vector: Dictionary) -> bool:
	var sample := CopresencePoseSample.new()
	if CopresenceCodec.check_sample(bytes, 0, bytes.size()) != bytes.size():
		return false
	CopresenceCodec.decode_sample(bytes, 0, vector.get("nearMs", 0.0), sample)
	if not _is_sample_near(sample, vector["decoded"]):
		return false
	if not vector.has("source"):
		return true
	var again := PackedByteArray()
	again.resize(CopresenceCodec.MAX_SAMPLE_BYTES)
	var size := CopresenceCodec.encode_sample(_sample(vector["source"]), again, 0)
	return size == bytes.size() and again.slice(0, size) == bytes


func _check_snapshot(bytes: PackedByteArray, vector: Dictionary) -> bool:
	var entries := PackedInt32Array()
	var expected: Dictionary = vector["decoded"]
	var near_ms: float = vector.get("nearMs", 0.0)
	if CopresenceCodec.read_snapshot(bytes, 0, bytes.size(), entries) != CopresenceCodec.Problem.NONE or entries.size() != 2 * expected["entries"].size():
		return false
	var sample := CopresencePoseSample.new()
	for entry in entries.size() / 2:
		CopresenceCodec.decode_sample(bytes, entries[2 * entry + 1], near_ms, sample)
		if entries[2 * entry] != int(expected["entries"][entry]["slot"]) or not _is_sample_near(sample, expected["entries"][entry]["sample"]):
			return false
	return bytes.decode_u32(0) == int(expected["tick"]) and CopresenceCodec.from_ticks(bytes.decode_u32(4), near_ms) == expected["serverMs"] and (bytes[8] == 1) == expected["key"]


func _check_container(bytes: PackedByteArray, vector: Dictionary) -> bool:
	var messages := PackedInt32Array()
	if CopresenceCodec.read_packet(bytes, messages) != CopresenceCodec.Problem.NONE or messages.size() != 3 * vector["decoded"].size():
		return false
	for index in messages.size() / 3:
		var message: Dictionary = vector["decoded"][index]
		if messages[3 * index] != int(message["kind"]) or bytes.slice(messages[3 * index + 1], messages[3 * index + 2]) != _bytes(message["payloadHex"]):
			return false
	if messages.size() != 3:
		return true
	# A length may come in more bytes than it takes, but is not written so.
	var again := CopresenceCodec.frame_message(messages[0] as CopresenceCodec.Kind, bytes.slice(messages[1]))
	return again == bytes or again.size() < bytes.size()


func _check_down(bytes: PackedByteArray, vector: Dictionary) -> bool:
	return _is_same(CopresenceMessagePack.decode(bytes, 0, bytes.size()), vector["decoded"])


func _check_up(bytes: PackedByteArray, vector: Dictionary) -> bool:
	var again := CopresenceMessagePack.encode(CopresenceMessagePack.decode(bytes, 0, bytes.size()))
	return _is_same(CopresenceMessagePack.decode(again, 0, again.size()), vector["decoded"])


## Of control messages only what MessagePack itself refuses: a client has no schemas of what clients send.
func _check_refused(vector: Dictionary) -> void:
	var bytes := _bytes(vector["hex"])
	var problem := CopresenceCodec.Problem.NONE
	match vector["format"]:
		"container": problem = CopresenceCodec.read_packet(bytes, PackedInt32Array())
		"pose", "hand": problem = CopresenceCodec.Problem.NONE if CopresenceCodec.is_pose_finite(bytes, 0) else CopresenceCodec.Problem.POSE_NOT_FINITE
		"snapshot": problem = CopresenceCodec.read_snapshot(bytes, 0, bytes.size(), PackedInt32Array())
		"pose-sample":
			var size := CopresenceCodec.check_sample(bytes, 0, bytes.size())
			problem = (-size if size < 0 else CopresenceCodec.Problem.NONE if size == bytes.size() else CopresenceCodec.Problem.MESSAGE_INVALID) as CopresenceCodec.Problem
		"up", "down":
			if vector["code"] == "MESSAGE_INVALID" and not _is_about_schema(vector["name"]):
				_count(CopresenceMessagePack.decode(bytes, 0, bytes.size()).is_empty(), "refused: " + vector["name"])
			return
		_: return
	_count(CopresenceCodec.PROBLEM_CODES[problem] == vector["code"], "refused: " + vector["name"])


func _is_about_schema(vector_name: String) -> bool:
	return vector_name.begins_with("a field") or vector_name == "an empty line of chat" or vector_name == "a session name that no URL takes"


## Damaged bytes are read as something or as nothing, and never as more than there is.
func _survives_damage() -> bool:
	var random := RandomNumberGenerator.new()
	random.seed = 1
	var seeds: Array = _load("down")["vectors"] + _load("pose-sample")["vectors"] + _load("snapshot")["vectors"]
	var entries := PackedInt32Array()
	for turn in 4000:
		var bytes := _bytes(seeds[random.randi() % seeds.size()]["hex"])
		for change in 3:
			bytes[random.randi() % bytes.size()] = random.randi() & 255
		var end := random.randi() % (bytes.size() + 1)
		CopresenceMessagePack.decode(bytes, 0, end)
		CopresenceCodec.read_packet(bytes.slice(0, end), entries)
		if CopresenceCodec.read_snapshot(bytes, 0, end, entries) == CopresenceCodec.Problem.NONE and end < CopresenceCodec.SNAPSHOT_HEADER_BYTES:
			return false
		if CopresenceCodec.check_sample(bytes, 0, end) > end:
			return false
	return true


func _count(passed: bool, what: String) -> void:
	if passed:
		_passed += 1
	else:
		_failed += 1
		print("failed: ", what)


func _load(format: String) -> Dictionary:
	return JSON.parse_string(FileAccess.get_file_as_string("res://vectors/" + format + ".json"))


func _bytes(hex: String) -> PackedByteArray:
	return hex.hex_decode() if hex else PackedByteArray()


func _vector(row: Array) -> Vector3:
	return Vector3(row[0], row[1], row[2])


func _quaternion(row: Array, at: int) -> Quaternion:
	return Quaternion(row[at], row[at + 1], row[at + 2], row[at + 3])


func _fill_hand(sample: CopresencePoseSample, first: int, rows: Array) -> void:
	for joint in rows.size():
		sample.positions[first + joint] = _vector(rows[joint])
		sample.orientations[first + joint] = _quaternion(rows[joint], 3)


func _sample(source: Dictionary) -> CopresencePoseSample:
	var sample := CopresencePoseSample.new()
	sample.capture_ms = source["captureMs"]
	sample.space_epoch = int(source["spaceEpoch"])
	sample.tracked = int(source["tracked"])
	for part: String in source["parts"]:
		var place := _place(part)
		if place >= CopresencePoseSample.LEFT_HAND:
			_fill_hand(sample, place, source["parts"][part])
			sample.valid |= 8 if place == CopresencePoseSample.LEFT_HAND else 16
		else:
			_fill_hand(sample, place, [source["parts"][part]])
			sample.valid |= 1 << place
	return sample


func _place(part: String) -> int:
	return {"head": 0, "leftController": 1, "rightController": 2, "leftHand": CopresencePoseSample.LEFT_HAND, "rightHand": CopresencePoseSample.RIGHT_HAND}[part]


func _is_sample_near(sample: CopresencePoseSample, expected: Dictionary) -> bool:
	var valid := 0
	for part: String in expected["parts"]:
		var place := _place(part)
		valid |= 1 << place if place < 3 else 8 if place == CopresencePoseSample.LEFT_HAND else 16
		if not (_is_hand_near(sample, place, expected["parts"][part]) if place >= 3 else _is_pose_near(sample.positions[place], sample.orientations[place], expected["parts"][part])):
			return false
	return sample.valid == valid and sample.capture_ms == expected["captureMs"] and sample.tracked == int(expected["tracked"]) and sample.space_epoch == int(expected["spaceEpoch"])


func _is_hand_near(sample: CopresencePoseSample, first: int, rows: Array) -> bool:
	for joint in CopresencePoseSample.HAND_JOINTS:
		if not _is_pose_near(sample.positions[first + joint], sample.orientations[first + joint], rows[joint]):
			return false
	return true


func _is_pose_near(p: Vector3, q: Quaternion, row: Array) -> bool:
	return _is_near([p.x, p.y, p.z], row.slice(0, 3), "decodedPositionM") and _is_near([q.x, q.y, q.z, q.w], row.slice(3), "decodedComponent")


func _is_near(actual: Array, expected: Array, tolerance: String) -> bool:
	for index in expected.size():
		if not absf(actual[index] - expected[index]) <= _tolerances[tolerance]:
			return false
	return true


## JSON has only floats, so numbers are compared as such.
func _is_same(actual: Variant, expected: Variant) -> bool:
	if expected is Dictionary:
		if not actual is Dictionary or actual.keys().size() != expected.keys().size():
			return false
		for key: String in expected:
			if not actual.has(key) or not _is_same(actual[key], expected[key]):
				return false
		return true
	if expected is Array:
		if not actual is Array or actual.size() != expected.size():
			return false
		for index in expected.size():
			if not _is_same(actual[index], expected[index]):
				return false
		return true
	if expected is float:
		return (actual is int or actual is float) and absf(actual - expected) < 1e-9
	return typeof(actual) == typeof(expected) and actual == expected
