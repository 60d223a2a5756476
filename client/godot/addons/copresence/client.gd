class_name CopresenceClient
extends Node
## Joins a session, sends poses and chat, hears everybody's, and comes back by itself when it was cut off.
##
## Everything happens in [method Node._process], so every signal comes on the main thread. Leaving the tree is leaving the session. Set [member url], [member token] and [member session], then call
## [method join]. [CopresenceXRCapture] sends what the headset tracks, [CopresenceAvatars] draws the others.

## The error is null unless it is the reason.
signal state_changed(state: State, error: CopresenceError)
## [param event] is [code]joined[/code], [code]away[/code], [code]back[/code] or [code]left[/code]. Who was there before comes as joined.
signal participant_changed(participant: CopresenceParticipant, event: String)
## Each sample of somebody else as it came; the sample is borrowed. To draw, ask [method avatar_now] instead: nobody needs to listen here for that.
signal pose_received(slot: int, sample: CopresencePoseSample)
signal chat_received(slot: int, text: String, chat_id: int)
## [param hand] is [code]left[/code] or [code]right[/code]; [param label] is [code]none[/code] when nothing is certain; [param source] is [code]tracking[/code] or [code]camera[/code].
signal gesture_recognised(slot: int, hand: String, label: String, score: float, source: String)
## COCO's 17 keypoints: x and y as shares of the picture's width and height, z the score of each.
signal body_pose_estimated(slot: int, keypoints: PackedVector3Array, score: float)
## BlazePose's 33 landmarks in metres about the middle of the hips: +X to the picture's right, +Y up, +Z towards the camera.
signal body_3d_estimated(slot: int, landmarks: PackedVector3Array, score: float)
## Of a line of chat: [code]sentiment[/code], [code]emotions[/code], [code]intent[/code] and [code]moderation[/code], as in docs/spec.md [RES1].
signal language_understood(slot: int, chat_id: int, value: Dictionary)
## Every result whole: the fields of [RES1], with the model's name, version and the age.
signal result_received(result: Dictionary)
signal recording_changed(is_active: bool, recorded: int)
## Something that was sent has been refused; the connection goes on.
signal refused(error: CopresenceError)

enum State {
	IDLE, ## Before [method join].
	JOINING,
	LIVE,
	RECONNECTING, ## The connection is gone and the place is kept for a while.
	LEAVING,
	ENDED, ## For good.
}

const CHAT_CHARACTERS := 500
const _VERSION := 1
const _HEARTBEAT_TIMEOUT_MS := 10000.0
const _LEAVE_MS := 500.0
const _FIRST_WAIT_MS := 250.0
const _LONGEST_WAIT_MS := 8000.0
const _CLOCK_SOON_MS := 100.0
const _CLOCK_LATER_MS := 2000.0
const _CLOCKS_SOON := 5
## Bytes that wait above which a pose is left out: the next one is newer.
const _WAITING_BYTES := 4096

## Such as [code]wss://example.org[/code]; [code]https://[/code] will do.
@export var url := "ws://127.0.0.1:7300"
## Signed by your back end for this person.
@export var token := ""
@export var session := "lobby"
@export var participant_name := "Godot"
@export_group("Consent")
## Whether models may look at what this participant sends.
@export var inference := true
## Whether they may be in a recording.
@export var recording := false
## Whether that may train models.
@export var training := false

var state := State.IDLE
## One's own, once live.
var slot := -1
## By slot, oneself among them.
var participants: Dictionary[int, CopresenceParticipant] = {}
var clock := CopresenceClockSync.new()

var _link: CopresenceLink
var _buffers: Dictionary[int, CopresenceSampleBuffer] = {}
var _playouts: Dictionary[int, CopresencePlayout] = {}
var _resume_token := ""
var _resume_ms := 0.0
var _resume_until_ms := 0.0
var _attempt := 0
var _open_at_ms := INF
var _leave_until_ms := INF
var _clocks_asked := 0
var _clock_asked_ms := 0.0
var _messages := PackedInt32Array()
var _entries := PackedInt32Array()
var _sample_bytes := PackedByteArray()
var _scratch := CopresencePoseSample.new()


func _init() -> void:
	# A game that is paused is still in the session.
	process_mode = Node.PROCESS_MODE_ALWAYS
	_sample_bytes.resize(CopresenceCodec.MAX_SAMPLE_BYTES)


## Milliseconds on this device's clock, for the [code]capture_ms[/code] of what is sent.
static func now_ms() -> float:
	return Time.get_ticks_usec() / 1000.0


## The same moment on the server's clock, wrong by at most half the shortest round trip.
func server_now_ms() -> float:
	return now_ms() + clock.offset_ms


## Connects and joins. Does nothing while it is on its way or in; after the end it begins anew.
func join() -> void:
	if state != State.IDLE and state != State.ENDED:
		return
	_attempt = 0
	_resume_token = ""
	participants = {}
	_buffers.clear()
	_playouts.clear()
	_change(State.JOINING)
	_open()


## Leaves for good: nobody keeps the place. The state is ENDED once the server has said so, or after half a second.
func leave() -> void:
	if state == State.LIVE and _send_control({"type": "leave"}):
		_leave_until_ms = now_ms() + _LEAVE_MS
		_change(State.LEAVING)
	elif state != State.IDLE and state != State.LEAVING:
		_end(null)


## Sends a sample whose [code]capture_ms[/code] is on this device's clock. A pose that cannot leave is left out. Gives what is wrong with the sample.
func send_pose(sample: CopresencePoseSample) -> CopresenceCodec.Problem:
	var size := CopresenceCodec.encode_sample(sample, _sample_bytes, 0)
	if size < 0:
		return -size as CopresenceCodec.Problem
	if state == State.LIVE and _link.waiting_bytes() < _WAITING_BYTES:
		_link.send(CopresenceCodec.Kind.POSE_SAMPLE, _sample_bytes.slice(0, size))
	return CopresenceCodec.Problem.NONE


## A line of chat, 1 to CHAT_CHARACTERS UTF-16 code units. False when it was not sent.
func say(text: String) -> bool:
	var is_line := not text.is_empty() and text.to_utf16_buffer().size() <= 2 * CHAT_CHARACTERS
	return is_line and state == State.LIVE and _send_control({"type": "say", "text": text, "captureMs": now_ms()})


## Sends the three consents as they are now; call it after changing them while live.
func update_consent() -> bool:
	return state == State.LIVE and _send_control({"type": "consent", "consent": _consent()})


## Starts or stops recording the session, with the grant [code]record[/code].
func record(start: bool) -> bool:
	return state == State.LIVE and _send_control({"type": "record", "action": "start" if start else "stop"})


## Writes where somebody is to be drawn now, as late as their own link needs, and says what that is made of.
func avatar_now(of_slot: int, into: CopresencePoseSample) -> CopresenceSampleBuffer.Source:
	if not _buffers.has(of_slot):
		return CopresenceSampleBuffer.Source.NONE
	return _buffers[of_slot].sample_at(_playouts[of_slot].render_ms(now_ms(), server_now_ms()), into)


func _process(_delta: float) -> void:
	if now_ms() >= _open_at_ms:
		_open_at_ms = INF
		_open()
	if _link == null:
		return
	_link.poll()
	if _link.is_open() and not _link.is_greeted and _clocks_asked == 0:
		_greet()
	var packet := _link.next_packet()
	while not packet.is_empty():
		_receive(packet)
		packet = _link.next_packet() if _link else PackedByteArray()
	if _link:
		_keep()


func _exit_tree() -> void:
	# There is no further frame in which an answer could come.
	if state == State.LIVE:
		_send_control({"type": "leave"})
	if state != State.IDLE:
		_end(null)


# ── the connection ───────────────────────────────────────────────────────────

func _open() -> void:
	_link = CopresenceLink.new()
	_link.heard_ms = now_ms()
	_clocks_asked = 0
	clock.restart()
	var address := "ws" + url.substr(4) if url.begins_with("http") else url
	var problem := _link.open(address.trim_suffix("/") + "/v1/connect")
	if problem != OK:
		push_error("copresence: %s is no address: %s" % [url, error_string(problem)])
		_end(CopresenceError.of_close(0))


func _greet() -> void:
	_clocks_asked = 1
	_clock_asked_ms = now_ms()
	_link.heard_ms = now_ms()
	_send_control({"type": "hello", "version": _VERSION, "oldestVersion": _VERSION, "capabilities": ["pose", "dynamic-gestures"], "token": token, "deviceMs": now_ms(), "client": "copresence-godot/1"})
	if _resume_token:
		_send_control({"type": "resume", "resumeToken": _resume_token})
		_resume_token = ""
	else:
		_send_control({"type": "join", "session": session, "name": participant_name, "consent": _consent()})


## Ends what is over, and asks for the time.
func _keep() -> void:
	var silent_ms := now_ms() - _link.heard_ms
	if _link.is_closed():
		_lost(_link.why_closed())
	elif silent_ms > _HEARTBEAT_TIMEOUT_MS:
		# A network that is gone closes nothing.
		_lost(CopresenceError.of_close(0))
	elif now_ms() > _leave_until_ms:
		_end(null)
	elif _link.is_greeted and now_ms() - _clock_asked_ms > (_CLOCK_SOON_MS if _clocks_asked <= _CLOCKS_SOON else _CLOCK_LATER_MS):
		_clocks_asked += 1
		_clock_asked_ms = now_ms()
		_send_control({"type": "clock", "deviceMs": now_ms()})


## Half of a doubling wait plus chance, so that a server that starts again is not met by everybody at once.
func _lost(error: CopresenceError) -> void:
	_link.close()
	_link = null
	if state == State.LEAVING or error.retry == CopresenceError.Retry.NEVER:
		_end(error if state != State.LEAVING else null)
		return
	if state == State.LIVE:
		_resume_until_ms = now_ms() + _resume_ms
	var whole_ms := minf(_LONGEST_WAIT_MS, _FIRST_WAIT_MS * pow(2.0, _attempt))
	_attempt += 1
	_open_at_ms = now_ms() + maxf(error.retry_after_ms, whole_ms / 2.0 + randf() * whole_ms / 2.0)
	# A place that is given away by then is not asked for.
	if error.code == "RESUME_REFUSED" or _open_at_ms > _resume_until_ms:
		_resume_token = ""
	_change(State.RECONNECTING, error)


func _end(error: CopresenceError) -> void:
	_open_at_ms = INF
	_leave_until_ms = INF
	if _link:
		_link.close()
	_link = null
	_change(State.ENDED, error)


func _change(to: State, error: CopresenceError = null) -> void:
	if state == to:
		return
	state = to
	state_changed.emit(to, error)


# ── what comes ───────────────────────────────────────────────────────────────

func _receive(packet: PackedByteArray) -> void:
	_link.heard_ms = now_ms()
	if CopresenceCodec.read_packet(packet, _messages) != CopresenceCodec.Problem.NONE:
		_lost(CopresenceError.of_close(0))
		return
	# A listener may leave or join within a signal, and the messages of the old link are over then.
	var link := _link
	for index in range(0, _messages.size(), 3):
		if _link != link:
			return
		# Kinds that it does not know are skipped [PKT5].
		match _messages[index]:
			CopresenceCodec.Kind.SNAPSHOT: _take_snapshot(packet, _messages[index + 1], _messages[index + 2])
			CopresenceCodec.Kind.CONTROL: _take_control(CopresenceMessages.read(packet, _messages[index + 1], _messages[index + 2]))


func _take_snapshot(bytes: PackedByteArray, start: int, end: int) -> void:
	if CopresenceCodec.read_snapshot(bytes, start, end, _entries) != CopresenceCodec.Problem.NONE:
		return
	var server_ms := server_now_ms()
	for index in range(0, _entries.size(), 2):
		var of_slot := _entries[index]
		if of_slot == slot or of_slot > CopresenceCodec.MAX_SLOT:
			continue
		var at := _entries[index + 1]
		var capture_ms := CopresenceCodec.from_ticks(bytes.decode_u32(at), server_ms)
		if not _buffers.has(of_slot):
			_buffers[of_slot] = CopresenceSampleBuffer.new()
			_playouts[of_slot] = CopresencePlayout.new()
		if _buffers[of_slot].add(bytes, at, capture_ms):
			_playouts[of_slot].add(capture_ms, server_ms)
	if pose_received.has_connections():
		_tell_poses(bytes, server_ms)


func _tell_poses(bytes: PackedByteArray, near_ms: float) -> void:
	var entries := _entries.duplicate()
	for index in range(0, entries.size(), 2):
		if entries[index] != slot:
			CopresenceCodec.decode_sample(bytes, entries[index + 1], near_ms, _scratch)
			pose_received.emit(entries[index], _scratch)


func _take_control(message: Dictionary) -> void:
	match message.get("type"):
		"ping": _send_control({"type": "pong", "serverMs": message["serverMs"], "deviceMs": now_ms()})
		"welcome":
			clock.guess(float(message["serverMs"]), now_ms())
			_link.is_greeted = true
		"clock-reply": clock.add(float(message["deviceMs"]), float(message["arrivedMs"]), float(message["sentMs"]), now_ms())
		"joined": _take_joined(message)
		"presence": _take_presence(message)
		"left": _end(null)
		"chat": chat_received.emit(int(message["slot"]), str(message["text"]), int(message["chatId"]))
		"recording": recording_changed.emit(message["active"] == true, int(message["recorded"]))
		"result": _take_result(message)
		"error": _take_error(CopresenceError.of_message(message))


func _take_joined(message: Dictionary) -> void:
	var before := participants
	before.erase(slot)
	participants = {}
	for info: Dictionary in message["participants"]:
		var participant := CopresenceParticipant.of_message(info)
		participants[participant.slot] = participant
	slot = int(message["slot"])
	_resume_token = message["resumeToken"]
	_resume_ms = float(message["resumeMs"])
	_attempt = 0
	_change(State.LIVE)
	_tell_changes(before if message["resumed"] else {}, before)


## Who left, came, went away or came back while nothing was heard. Another participation, on another server perhaps, knows nobody from [param before].
func _tell_changes(known: Dictionary, before: Dictionary) -> void:
	for old: CopresenceParticipant in before.values():
		if not known.has(old.slot) or not participants.has(old.slot) or participants[old.slot].id != old.id:
			known.erase(old.slot)
			_tell_left(old)
	for participant: CopresenceParticipant in participants.values():
		if participant.slot == slot:
			continue
		var old: CopresenceParticipant = known.get(participant.slot)
		if old == null:
			participant_changed.emit(participant, "joined")
		elif old.is_live != participant.is_live:
			participant_changed.emit(participant, "back" if participant.is_live else "away")


func _take_presence(message: Dictionary) -> void:
	var participant := CopresenceParticipant.of_message(message["participant"])
	var event := str(message["event"])
	if event == "left":
		participant.is_live = false
		participants.erase(participant.slot)
		_tell_left(participant)
		return
	participants[participant.slot] = participant
	participant_changed.emit(participant, event)


## Forgets where they were, so that the next one on that slot does not begin there.
func _tell_left(participant: CopresenceParticipant) -> void:
	_buffers.erase(participant.slot)
	_playouts.erase(participant.slot)
	participant_changed.emit(participant, "left")


func _take_result(result: Dictionary) -> void:
	var value: Dictionary = result["value"]
	var of_slot := int(result["slot"])
	match value.get("task"):
		"gesture": gesture_recognised.emit(of_slot, str(value["hand"]), str(value["label"]), float(value["score"]), str(value["source"]))
		"body-pose": body_pose_estimated.emit(of_slot, _points(value["keypoints"], Vector3.ONE), float(value["score"]))
		"body-3d": body_3d_estimated.emit(of_slot, _points(value["world"], Vector3(1, -1, -1)), float(value["score"]))
		"language": language_understood.emit(of_slot, int(result.get("chatId", -1)), value)
	result_received.emit(result)


static func _points(numbers: Array, axes: Vector3) -> PackedVector3Array:
	var points := PackedVector3Array()
	for at in range(0, numbers.size() - 2, 3):
		points.push_back(Vector3(numbers[at], numbers[at + 1], numbers[at + 2]) * axes)
	return points


func _take_error(error: CopresenceError) -> void:
	if error.closing:
		_link.last_words = error
	else:
		refused.emit(error)


# ── what leaves ──────────────────────────────────────────────────────────────

func _consent() -> Dictionary:
	return {"inference": inference, "recording": recording, "training": training}


func _send_control(message: Dictionary) -> bool:
	return _link != null and _link.send(CopresenceCodec.Kind.CONTROL, CopresenceMessagePack.encode(message))
