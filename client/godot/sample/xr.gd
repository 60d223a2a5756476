extends Node3D
## A headset in a session: what it tracks is sent, the others are drawn. Arguments behind `--`: the server's address, a token and a name.

@onready var client: CopresenceClient = $Client


func _ready() -> void:
	var args := OS.get_cmdline_user_args()
	if args.size() > 2:
		client.url = args[0]
		client.token = args[1]
		client.participant_name = args[2]
	client.gesture_recognised.connect(func(slot: int, hand: String, label: String, score: float, _source: String) -> void: print("%d %s: %s %.2f" % [slot, hand, label, score]))
	client.state_changed.connect(func(state: CopresenceClient.State, error: CopresenceError) -> void: print(client.State.keys()[state], " ", error if error else ""))
	client.join()
	var openxr := XRServer.find_interface("OpenXR")
	var webxr := XRServer.find_interface("WebXR") as WebXRInterface
	if openxr and openxr.is_initialized():
		get_viewport().use_xr = true
		$Enter.hide()
	elif webxr:
		_prepare(webxr)


## A browser lets a page into a headset when somebody has pressed something.
func _prepare(webxr: WebXRInterface) -> void:
	webxr.session_mode = "immersive-vr"
	webxr.requested_reference_space_types = "local-floor, local"
	webxr.required_features = "local-floor"
	webxr.optional_features = "hand-tracking"
	webxr.session_started.connect(func() -> void: get_viewport().use_xr = true)
	webxr.session_ended.connect(func() -> void: get_viewport().use_xr = false)
	webxr.session_failed.connect(func(why: String) -> void: push_error(why))
	$Enter.pressed.connect(func() -> void: webxr.initialize())
