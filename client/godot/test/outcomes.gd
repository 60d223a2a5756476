extends Node
## What bytes of any kind are read as, in one line each, for comparing this decoder with others on the same damaged inputs (res://test/inputs.bin: u8 format, u32 length,
## bytes, one after the other). A line is the code, or NONE, and a hash over what came out.

enum { CONTAINER, SAMPLE, SNAPSHOT, DELTAS, HAND, CONTROL }

var _hash := 0
var _places := PackedInt32Array()
var _sample := CopresencePoseSample.new()


func _ready() -> void:
	var file := FileAccess.get_file_as_bytes("res://test/inputs.bin")
	var at := 0
	while at < file.size():
		var length := file.decode_u32(at + 1)
		_hash = 2166136261
		var problem := _read(file[at], file.slice(at + 5, at + 5 + length))
		print("%s %08x" % [CopresenceCodec.PROBLEM_CODES[problem] if problem else "NONE", _hash])
		at += 5 + length
	get_tree().quit()


func _read(format: int, bytes: PackedByteArray) -> CopresenceCodec.Problem:
	match format:
		CONTAINER: return _read_container(bytes)
		SAMPLE: return _read_sample(bytes)
		SNAPSHOT: return _read_snapshot(bytes)
		HAND:
			if bytes.size() < CopresenceCodec.HAND_BYTES:
				return CopresenceCodec.Problem.MESSAGE_INVALID
			if not CopresenceCodec.is_pose_finite(bytes, 0):
				return CopresenceCodec.Problem.POSE_NOT_FINITE
			CopresenceCodec.decode_hand(bytes, 0, _sample, CopresencePoseSample.LEFT_HAND)
		CONTROL:
			if CopresenceMessages.read(bytes, 0, bytes.size()).is_empty():
				return CopresenceCodec.Problem.MESSAGE_INVALID
	return CopresenceCodec.Problem.NONE


func _read_container(bytes: PackedByteArray) -> CopresenceCodec.Problem:
	var problem := CopresenceCodec.read_packet(bytes, _places)
	if problem == CopresenceCodec.Problem.NONE:
		for index in range(0, _places.size(), 3):
			_add(_places[index], 1)
			for byte in bytes.slice(_places[index + 1], _places[index + 2]):
				_add(byte, 1)
	return problem


func _read_sample(bytes: PackedByteArray) -> CopresenceCodec.Problem:
	var size := CopresenceCodec.check_sample(bytes, 0, bytes.size())
	if size < 0:
		return -size as CopresenceCodec.Problem
	CopresenceCodec.decode_sample(bytes, 0, 0.0, _sample)
	_add(size, 4)
	_add(_sample.valid, 1)
	_add(_sample.tracked, 1)
	_add(_sample.space_epoch, 1)
	return CopresenceCodec.Problem.NONE


func _read_snapshot(bytes: PackedByteArray) -> CopresenceCodec.Problem:
	var problem := CopresenceCodec.read_snapshot(bytes, 0, bytes.size(), _places)
	if problem == CopresenceCodec.Problem.NONE:
		for index in range(0, _places.size(), 2):
			CopresenceCodec.decode_sample(bytes, _places[index + 1], 0.0, _sample)
			_add(_places[index], 2)
			_add(_sample.valid, 1)
	return problem


## FNV-1a.
func _add(value: int, count: int) -> void:
	for byte in count:
		_hash = ((_hash ^ (value >> 8 * byte & 255)) * 16777619) & 0xffffffff
