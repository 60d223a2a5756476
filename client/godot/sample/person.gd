extends Node3D
## One of the two: moves like a puppet, and looks at the other through its own connection.

@export var person_name := "Ada"
## Ahead of the other, so that the two do not move alike.
@export var ahead_s := 0.0

@onready var client: CopresenceClient = $Client
var _own := CopresencePoseSample.new()


func _ready() -> void:
	client.participant_name = person_name
	client.gesture_recognised.connect(_on_gesture)
	client.state_changed.connect(_on_state)


func _process(_delta: float) -> void:
	_own.capture_ms = CopresenceClient.now_ms()
	CopresencePuppet.pose(_own.capture_ms / 1000.0 + ahead_s, global_transform, _own)
	client.send_pose(_own)
	$Camera.global_transform = Transform3D(global_transform.basis, _own.positions[CopresencePoseSample.HEAD])


func _on_state(state: CopresenceClient.State, error: CopresenceError) -> void:
	var text: String = CopresenceClient.State.keys()[state].to_lower()
	$Label.text = "%s: %s" % [text, error] if error else text
	print("%s is %s" % [person_name, $Label.text])


func _on_gesture(slot: int, hand: String, label: String, score: float, _source: String) -> void:
	if slot != client.slot and client.participants.has(slot):
		$Label.text = "%s, %s hand: %s (%d %%)" % [client.participants[slot].name, hand, label, roundi(100 * score)]
