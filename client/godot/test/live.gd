extends Node
## A participant for tests: url token session name. Sends a head and a hand with each frame and a line of chat, prints what it hears and draws as JSON lines, and does
## what the page's list `commands` says: `say text`, `consent on|off`, `stall ms`, `quit`.

const STATES: Array[String] = ["idle", "joining", "live", "reconnecting", "leaving", "ended"]
const SOURCES: Array[String] = ["none", "interpolated", "extrapolated", "held"]

@onready var client: CopresenceClient = $Client
var _own := CopresencePoseSample.new()
var _drawn := CopresencePoseSample.new()
## Of the newest sample of each slot.
var _newest_ms: Dictionary[int, float] = {}
var _frames := 0
var _has_spoken := false


func _ready() -> void:
	var args := OS.get_cmdline_user_args()
	client.url = args[0]
	client.token = args[1]
	client.session = args[2]
	client.participant_name = args[3]
	client.state_changed.connect(_on_state)
	client.pose_received.connect(func(slot: int, sample: CopresencePoseSample) -> void: _newest_ms[slot] = sample.capture_ms)
	client.chat_received.connect(func(slot: int, text: String, _id: int) -> void: _tell({"chat": text, "slot": slot}))
	client.result_received.connect(func(result: Dictionary) -> void: _tell({"result": result["value"]["task"], "slot": result["slot"]}))
	client.refused.connect(func(error: CopresenceError) -> void: _tell({"refused": error.code, "about": error.about}))
	_own.valid = CopresencePoseSample.Part.HEAD | CopresencePoseSample.Part.LEFT_HAND
	_own.tracked = _own.valid
	for joint in CopresencePoseSample.HAND_JOINTS:
		_own.positions[CopresencePoseSample.LEFT_HAND + joint] = Vector3(-0.2, 1.2, -0.3 - 0.005 * (joint % 5))
	client.join()


func _process(_delta: float) -> void:
	_obey()
	_own.capture_ms = CopresenceClient.now_ms()
	_own.positions[CopresencePoseSample.HEAD] = Vector3(sin(_own.capture_ms / 1000.0), 1.6, 0.0)
	client.send_pose(_own)
	_frames += 1
	# Each ninth frame says what is drawn of everybody.
	if _frames % 9 == 0:
		for slot in _newest_ms:
			var source := client.avatar_now(slot, _drawn)
			var hands := _drawn.valid & (CopresencePoseSample.Part.LEFT_HAND | CopresencePoseSample.Part.RIGHT_HAND) != 0
			_tell({"avatar": slot, "y": _drawn.positions[0].y, "source": SOURCES[source], "ageMs": client.server_now_ms() - _newest_ms[slot], "hands": hands})


func _obey() -> void:
	if not OS.has_feature("web"):
		return
	var command: String = JavaScriptBridge.eval("globalThis.commands?.shift() ?? ''")
	if command.is_empty():
		return
	var verb := command.get_slice(" ", 0)
	var rest := command.substr(verb.length() + 1)
	match verb:
		"say": client.say(rest)
		"consent":
			client.inference = rest == "on"
			client.update_consent()
		"stall":
			var until_ms := CopresenceClient.now_ms() + float(rest)
			while CopresenceClient.now_ms() < until_ms:
				pass
		"quit": client.leave()
	_tell({"done": command})


func _on_state(state: CopresenceClient.State, error: CopresenceError) -> void:
	_tell({"state": STATES[state], "code": error.code if error else "", "slot": client.slot})
	if state == CopresenceClient.State.LIVE and not _has_spoken:
		_has_spoken = client.say("I am " + client.participant_name)
	if state == CopresenceClient.State.ENDED:
		get_tree().quit()


func _tell(fields: Dictionary) -> void:
	print(JSON.stringify(fields))
