extends Node
## A participant for tests: url token session name seconds. Sends a head and a hand with each frame and a line of chat, and prints what it hears as JSON lines.

const STATES: Array[String] = ["idle", "joining", "live", "reconnecting", "leaving", "ended"]

@onready var client: CopresenceClient = $Client
var _own := CopresencePoseSample.new()
var _drawn := CopresencePoseSample.new()
var _counts := {}
var _has_spoken := false
var _until_ms := 0.0


func _ready() -> void:
	var args := OS.get_cmdline_user_args()
	client.url = args[0]
	client.token = args[1]
	client.session = args[2]
	client.participant_name = args[3]
	_until_ms = CopresenceClient.now_ms() + 1000.0 * float(args[4])
	client.state_changed.connect(_on_state)
	client.pose_received.connect(_on_pose)
	client.chat_received.connect(func(slot: int, text: String, _id: int) -> void: _tell({"chat": text, "slot": slot}))
	client.refused.connect(func(error: CopresenceError) -> void: _tell({"refused": error.code}))
	_own.valid = CopresencePoseSample.Part.HEAD | CopresencePoseSample.Part.LEFT_HAND
	_own.tracked = CopresencePoseSample.Part.HEAD
	for joint in CopresencePoseSample.HAND_JOINTS:
		_own.positions[CopresencePoseSample.LEFT_HAND + joint] = Vector3(-0.2, 1.2, -0.3 - 0.005 * (joint % 5))
	client.join()


func _process(_delta: float) -> void:
	_own.capture_ms = CopresenceClient.now_ms()
	_own.positions[CopresencePoseSample.HEAD] = Vector3(sin(_own.capture_ms / 1000.0), 1.6, 0.0)
	client.send_pose(_own)
	if _own.capture_ms > _until_ms:
		client.leave()


func _on_state(state: CopresenceClient.State, error: CopresenceError) -> void:
	_tell({"state": STATES[state], "code": error.code if error else "", "slot": client.slot})
	if state == CopresenceClient.State.LIVE and not _has_spoken:
		_has_spoken = client.say("I am " + client.participant_name)
	if state == CopresenceClient.State.ENDED:
		get_tree().quit()


func _on_pose(slot: int, sample: CopresencePoseSample) -> void:
	_counts[slot] = _counts.get(slot, 0) + 1
	if _counts[slot] % 50 != 1:
		return
	var source := client.avatar_now(slot, _drawn)
	var hands := sample.valid & (CopresencePoseSample.Part.LEFT_HAND | CopresencePoseSample.Part.RIGHT_HAND) != 0
	_tell({"pose": slot, "y": _drawn.positions[0].y, "source": source, "ageMs": client.server_now_ms() - sample.capture_ms, "hands": hands})


func _tell(fields: Dictionary) -> void:
	print(JSON.stringify(fields))
