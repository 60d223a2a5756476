class_name CopresenceMessages
extends RefCounted
## Control messages from the server [CTL1]: bytes become a message once, here, and what has another shape is none.
##
## Of each type only the fields that the client uses are looked at, so that what a later server adds does no harm.

enum { TEXT, NUMBER, FLAG, MAP, LIST }

const _SHAPES := {
	"welcome": {"serverMs": NUMBER},
	"joined": {"slot": NUMBER, "resumed": FLAG, "resumeToken": TEXT, "resumeMs": NUMBER, "participants": LIST},
	"left": {},
	"presence": {"event": TEXT, "participant": MAP},
	"chat": {"chatId": NUMBER, "slot": NUMBER, "text": TEXT},
	"clock-reply": {"deviceMs": NUMBER, "arrivedMs": NUMBER, "sentMs": NUMBER},
	"ping": {"serverMs": NUMBER},
	"result": {"slot": NUMBER, "value": MAP},
	"recording": {"active": FLAG, "recorded": NUMBER},
	"error": {"code": TEXT, "retry": TEXT, "closing": FLAG},
}
const _PARTICIPANT := {"slot": NUMBER, "participantId": TEXT, "name": TEXT, "role": TEXT, "presence": TEXT}
const _RESULTS := {
	"gesture": {"hand": TEXT, "label": TEXT, "score": NUMBER, "source": TEXT},
	"dynamic-gesture": {"hand": TEXT, "label": TEXT, "score": NUMBER},
	"body-pose": {"keypoints": LIST, "score": NUMBER},
	"body-3d": {"world": LIST, "score": NUMBER},
	"hands": {"hands": LIST},
	"language": {"sentiment": MAP},
}
const _TYPES: Array[PackedInt32Array] = [[TYPE_STRING], [TYPE_INT, TYPE_FLOAT], [TYPE_BOOL], [TYPE_DICTIONARY], [TYPE_ARRAY]]


## The message in these bytes; empty when it is none that this client takes.
static func read(bytes: PackedByteArray, start: int, end: int) -> Dictionary:
	var message := CopresenceMessagePack.decode(bytes, start, end)
	return message if _has_shape(message) else {}


static func _has_shape(message: Dictionary) -> bool:
	var type: Variant = message.get("type")
	if not type is String or not _SHAPES.has(type) or not _fits(message, _SHAPES[type]):
		return false
	match type:
		"joined": return message["participants"].all(func(info: Variant) -> bool: return info is Dictionary and _fits(info, _PARTICIPANT))
		"presence": return _fits(message["participant"], _PARTICIPANT)
		"result": return _is_result(message["value"])
	return true


static func _is_result(value: Dictionary) -> bool:
	var task: Variant = value.get("task")
	if not task is String or not _RESULTS.has(task) or not _fits(value, _RESULTS[task]):
		return false
	var numbers: Array = value["keypoints"] if task == "body-pose" else value["world"] if task == "body-3d" else []
	return numbers.all(func(number: Variant) -> bool: return number is float or number is int)


static func _fits(map: Dictionary, shape: Dictionary) -> bool:
	for field: String in shape:
		if not typeof(map.get(field)) in _TYPES[shape[field]]:
			return false
	return true
