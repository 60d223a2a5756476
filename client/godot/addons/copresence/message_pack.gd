class_name CopresenceMessagePack
extends RefCounted
## What of MessagePack the protocol uses [CTL2]: nil, booleans, numbers, strings, binary, arrays, and maps with short ASCII keys.

const MAX_DEPTH := 8
const MAX_KEY_BYTES := 31
const _FORBIDDEN_KEYS: Array[String] = ["__proto__", "constructor", "prototype"]

## How many bytes the length field of a long value has: binary, strings, arrays, maps.
const _LENGTH_BYTES := {0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4}
const _INT_BYTES := {0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8}

var _bytes: PackedByteArray
var _at := 0
var _end := 0
var _is_refused := false


## Nil, bool, int, float, String, PackedByteArray, Array and Dictionary to bytes.
static func encode(value: Variant) -> PackedByteArray:
	var output := StreamPeerBuffer.new()
	output.big_endian = true
	_write(output, value)
	return output.data_array


## The map in [param bytes] from [param at] up to [param end]; an empty one when there is something else, or it breaks [CTL2].
static func decode(bytes: PackedByteArray, at: int, end: int) -> Dictionary:
	var reader := CopresenceMessagePack.new()
	reader._bytes = bytes
	reader._at = at
	reader._end = end
	var value: Variant = reader._read(0)
	var is_whole := not reader._is_refused and reader._at == end and value is Dictionary
	return value if is_whole else {}


static func _write(output: StreamPeerBuffer, value: Variant) -> void:
	match typeof(value):
		TYPE_NIL:
			output.put_u8(0xc0)
		TYPE_BOOL:
			output.put_u8(0xc3 if value else 0xc2)
		TYPE_INT:
			if value >= 0 and value < 128:
				output.put_u8(value)
			else:
				output.put_u8(0xd3)
				output.put_64(value)
		TYPE_FLOAT:
			output.put_u8(0xcb)
			output.put_double(value)
		TYPE_STRING, TYPE_STRING_NAME:
			var text := String(value).to_utf8_buffer()
			if text.size() < 32:
				output.put_u8(0xa0 | text.size())
			else:
				output.put_u8(0xda)
				output.put_u16(text.size())
			output.put_data(text)
		TYPE_PACKED_BYTE_ARRAY:
			output.put_u8(0xc6)
			output.put_u32(value.size())
			output.put_data(value)
		TYPE_ARRAY, TYPE_PACKED_STRING_ARRAY:
			output.put_u8(0xdc)
			output.put_u16(value.size())
			for item: Variant in value:
				_write(output, item)
		TYPE_DICTIONARY:
			output.put_u8(0xde)
			output.put_u16(value.size())
			for key: String in value:
				_write(output, key)
				_write(output, value[key])
		_:
			push_error("MessagePack has no " + type_string(typeof(value)))
			output.put_u8(0xc0)


func _read(depth: int) -> Variant:
	if depth > MAX_DEPTH or _at >= _end:
		return _refuse()
	var lead := _bytes[_at]
	_at += 1
	if lead < 0x80:
		return lead
	if lead >= 0xe0:
		return lead - 256
	if lead < 0x90:
		return _read_map(lead & 15, depth)
	if lead < 0xa0:
		return _read_list(lead & 15, depth)
	if lead < 0xc0:
		return _read_text(lead & 31)
	if _LENGTH_BYTES.has(lead):
		return _read_long(lead, depth)
	if _INT_BYTES.has(lead):
		return _read_int(_INT_BYTES[lead], lead >= 0xd0)
	match lead:
		0xc0: return null
		0xc2: return false
		0xc3: return true
		0xca: return _read_float(4)
		0xcb: return _read_float(8)
	return _refuse()


func _read_long(lead: int, depth: int) -> Variant:
	var length: int = _read_int(_LENGTH_BYTES[lead], false)
	# Each element takes a byte at least, so that a few bytes cannot ask for millions.
	if _is_refused or length > _end - _at:
		return _refuse()
	if lead <= 0xc6:
		_at += length
		return _bytes.slice(_at - length, _at)
	if lead <= 0xdb:
		return _read_text(length)
	return _read_list(length, depth) if lead <= 0xdd else _read_map(length, depth)


func _read_int(width: int, is_signed: bool) -> int:
	if _end - _at < width:
		_refuse()
		return 0
	var value := 0
	for index in width:
		value = value << 8 | _bytes[_at + index]
	_at += width
	if is_signed and width < 8 and value >> (8 * width - 1):
		value -= 1 << 8 * width
	return value


func _read_float(width: int) -> Variant:
	if _end - _at < width:
		return _refuse()
	var part := _bytes.slice(_at, _at + width)
	part.reverse()
	_at += width
	var value := part.decode_float(0) if width == 4 else part.decode_double(0)
	return value if is_finite(value) else _refuse()


func _read_text(length: int) -> Variant:
	if _end - _at < length:
		return _refuse()
	_at += length
	return _bytes.slice(_at - length, _at).get_string_from_utf8()


func _read_list(count: int, depth: int) -> Variant:
	var list: Array = []
	for index in count:
		list.push_back(_read(depth + 1))
		if _is_refused:
			return null
	return list


func _read_map(count: int, depth: int) -> Variant:
	var map := {}
	for index in count:
		var key := _read_key()
		if _is_refused or map.has(key):
			return _refuse()
		map[key] = _read(depth + 1)
		if _is_refused:
			return null
	return map


func _read_key() -> String:
	if _at >= _end or _bytes[_at] < 0xa0 or _bytes[_at] >= 0xc0:
		_refuse()
		return ""
	var length := _bytes[_at] & MAX_KEY_BYTES
	_at += 1
	if _end - _at < length:
		_refuse()
		return ""
	var text := _bytes.slice(_at, _at + length)
	_at += length
	for letter in text:
		if letter > 127:
			_refuse()
	var key := text.get_string_from_ascii()
	if key in _FORBIDDEN_KEYS:
		_refuse()
	return key


func _refuse() -> Variant:
	_is_refused = true
	return null
