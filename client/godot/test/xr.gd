extends Node3D
## Trackers to samples and back, avatars between samples, and what goes over the wire in between: prints each check that fails, then how many passed and failed.

var _passed := 0
var _failed := 0


func _ready() -> void:
	_check_capture()
	_check_body()
	_check_trackers()
	_check_buffer()
	_check_playout()
	_check_client()
	print("%d passed, %d failed" % [_passed, _failed])
	get_tree().quit(1 if _failed else 0)


## A head, a controller and a hand as Godot's own interfaces would give them.
func _check_capture() -> void:
	var capture := CopresenceXRCapture.new()
	add_child(capture)
	var head := _tracker("head", &"default", Transform3D(Basis(Vector3.UP, 0.5), Vector3(0.1, 1.7, -0.2)))
	var right := _tracker("right_hand", &"grip", Transform3D(Basis.IDENTITY, Vector3(0.3, 1.2, -0.4)), XRPose.XR_TRACKING_CONFIDENCE_LOW)
	var hand := XRHandTracker.new()
	hand.name = "/user/hand_tracker/left"
	hand.has_tracking_data = true
	# In WebXR's terms: -Z towards the tips; in Godot's the same joint looks along +Y.
	for joint in XRHandTracker.HAND_JOINT_MAX:
		hand.set_hand_joint_transform(joint, Transform3D(Basis(Vector3.LEFT, Vector3.FORWARD, Vector3.DOWN), Vector3(-0.2, 1.1, -0.3 - 0.01 * joint)))
		hand.set_hand_joint_flags(joint, 15)
	XRServer.add_tracker(hand)
	capture.capture(1234.5)
	var sample := capture.sample
	_count("parts", sample.valid == 1 | 4 | 8 and sample.tracked == 1 | 8 and sample.capture_ms == 1234.5)
	_count("head", sample.transform_at(CopresencePoseSample.HEAD).is_equal_approx(head.get_pose(&"default").transform))
	_count("controller", sample.positions[CopresencePoseSample.RIGHT_CONTROLLER].is_equal_approx(Vector3(0.3, 1.2, -0.4)))
	_count("wrist", sample.positions[CopresencePoseSample.LEFT_HAND].is_equal_approx(Vector3(-0.2, 1.1, -0.31)))
	var joint_basis := Basis(sample.orientations[CopresencePoseSample.LEFT_HAND + 9])
	_count("joints look along -Z", (-joint_basis.z).is_equal_approx(Vector3.FORWARD) and joint_basis.y.is_equal_approx(Vector3.UP))
	hand.set_hand_joint_flags(XRHandTracker.HAND_JOINT_RING_FINGER_TIP, 0)
	capture.begin_space()
	capture.capture(1300.0)
	_count("a hand counts only whole", sample.valid == 1 | 4 and sample.space_epoch == 1)
	hand.set_hand_joint_flags(XRHandTracker.HAND_JOINT_RING_FINGER_TIP, 15)
	hand.hand_tracking_source = XRHandTracker.HAND_TRACKING_SOURCE_CONTROLLER
	_check_moved(capture)
	for tracker: XRTracker in [head, right, hand]:
		XRServer.remove_tracker(tracker)
	capture.capture(1400.0)
	_count("nothing is there", sample.valid == 0)
	capture.camera = Camera3D.new()
	add_child(capture.camera)
	capture.camera.position.y = 1.6
	capture.capture(1500.0)
	_count("a camera stands in", sample.valid == 1 and is_equal_approx(sample.positions[0].y, 1.6))
	capture.queue_free()


## Somebody whose origin has walked three metres and turned about.
func _check_moved(capture: CopresenceXRCapture) -> void:
	capture.origin = Node3D.new()
	add_child(capture.origin)
	capture.origin.transform = Transform3D(Basis(Vector3.UP, PI), Vector3(3, 0, 0))
	capture.capture(1350.0)
	_count("origin", capture.sample.positions[CopresencePoseSample.LEFT_HAND].is_equal_approx(Vector3(3.2, 1.1, 0.31)) and capture.sample.positions[0].is_equal_approx(Vector3(2.9, 1.7, 0.2)))
	_count("inferred from a controller", capture.sample.valid & 8 and not capture.sample.tracked & 8)
	capture.origin = null


## A body tracker gives head and hands where nothing else does. Its head looks along +Z.
func _check_body() -> void:
	var body := XRBodyTracker.new()
	body.name = "/user/body_tracker"
	body.has_tracking_data = true
	body.body_flags = XRBodyTracker.BODY_FLAG_UPPER_BODY_SUPPORTED | XRBodyTracker.BODY_FLAG_HANDS_SUPPORTED
	for joint in XRBodyTracker.JOINT_MAX:
		body.set_joint_transform(joint, Transform3D(Basis(Vector3.UP, PI), Vector3(0, 1, 0.01 * joint)))
		body.set_joint_flags(joint, 15)
	XRServer.add_tracker(body)
	var capture := CopresenceXRCapture.new()
	capture.capture(1.0)
	_count("a body's parts", capture.sample.valid == 1 | 8 | 16)
	_count("a body's head", (-Basis(capture.sample.orientations[0]).z).is_equal_approx(Vector3.FORWARD))
	_count("a body's right wrist", capture.sample.positions[CopresencePoseSample.RIGHT_HAND].is_equal_approx(Vector3(0, 1, 0.51)))
	_count("a body's little finger", capture.sample.positions[CopresencePoseSample.LEFT_HAND + 24].is_equal_approx(Vector3(0, 1, 0.48)))
	XRServer.remove_tracker(body)
	capture.free()


## What was received comes out as trackers, and read again it is the same.
func _check_trackers() -> void:
	var sample := _somebody(0.0)
	var trackers := CopresenceTrackers.new(7)
	trackers.update(sample, CopresenceSampleBuffer.Source.INTERPOLATED)
	var hand := XRServer.get_tracker("copresence/7/left_hand") as XRHandTracker
	_count("a hand tracker", hand != null and hand.has_tracking_data and hand.get_pose(&"default").has_tracking_data)
	var again := CopresencePoseSample.new()
	_count("its joints", CopresenceHands.read(hand, Transform3D.IDENTITY, again, CopresencePoseSample.LEFT_HAND))
	var is_same := true
	for joint in CopresencePoseSample.HAND_JOINTS:
		is_same = is_same and again.transform_at(CopresencePoseSample.LEFT_HAND + joint).is_equal_approx(sample.transform_at(CopresencePoseSample.LEFT_HAND + joint))
	_count("there and back", is_same)
	var head := XRServer.get_tracker("copresence/7/head") as XRPositionalTracker
	_count("a head tracker", head.get_pose(&"default").transform.is_equal_approx(sample.transform_at(0)))
	sample.valid = CopresencePoseSample.Part.HEAD
	trackers.update(sample, CopresenceSampleBuffer.Source.HELD)
	_count("held", not hand.has_tracking_data and head.get_pose(&"default").tracking_confidence == XRPose.XR_TRACKING_CONFIDENCE_LOW)
	trackers.remove()
	_count("gone", XRServer.get_tracker("copresence/7/head") == null)


## Between samples, beyond them, over a gap, and into another space.
func _check_buffer() -> void:
	var buffer := CopresenceSampleBuffer.new()
	var drawn := CopresencePoseSample.new()
	_count("nothing yet", buffer.sample_at(0.0, drawn) == CopresenceSampleBuffer.Source.NONE)
	for tick in 40:
		_add(buffer, 10.0 * tick, 0.01 * tick)
	_count("late", not _add(buffer, 385.0, 1.0))
	_count("interpolated", buffer.sample_at(385.0, drawn) == CopresenceSampleBuffer.Source.INTERPOLATED and absf(drawn.positions[0].x - 0.385) < 0.002 and absf(drawn.positions[CopresencePoseSample.LEFT_HAND + 9].x - 0.385 + 0.2) < 0.003)
	_count("extrapolated", buffer.sample_at(440.0, drawn) == CopresenceSampleBuffer.Source.EXTRAPOLATED and absf(drawn.positions[0].x - 0.44) < 0.02)
	_count("held", buffer.sample_at(5000.0, drawn) == CopresenceSampleBuffer.Source.HELD and absf(drawn.positions[0].x - 0.49) < 0.03)
	_add(buffer, 1390.0, 2.0)
	_count("a rest is not a slow motion", buffer.sample_at(1000.0, drawn) == CopresenceSampleBuffer.Source.HELD and absf(drawn.positions[0].x - 0.39) < 0.001)
	_add(buffer, 1400.0, 3.0, 1)
	_count("another space", buffer.sample_at(1395.0, drawn) == CopresenceSampleBuffer.Source.HELD and absf(drawn.positions[0].x - 2.0) < 0.001)
	_count("a new time line", _add(buffer, 10.0, 4.0) and buffer.sample_at(10.0, drawn) == CopresenceSampleBuffer.Source.INTERPOLATED)


## 72 Hz, 20 to 30 ms old: drawn when nearly all are there, and without a jump when it becomes slow.
func _check_playout() -> void:
	var playout := CopresencePlayout.new()
	var random := RandomNumberGenerator.new()
	random.seed = 1
	var before_ms := -INF
	var is_steady := true
	for tick in 720:
		var capture_ms := tick * 1000.0 / 72.0
		var arrived_ms := capture_ms + 20.0 + random.randf() * 10.0 + (80.0 if tick > 360 else 0.0)
		playout.add(capture_ms, arrived_ms)
		if tick == 360:
			_count("the delay that is needed", absf(playout.wanted_delay_ms() - 44.0) < 4.0)
		var render_ms := playout.render_ms(arrived_ms, arrived_ms)
		is_steady = is_steady and render_ms >= before_ms
		before_ms = render_ms
	_count("never backwards", is_steady)
	_count("a slower network", absf(playout.wanted_delay_ms() - 124.0) < 4.0)


## Results and refusals come as signals with their own types.
func _check_client() -> void:
	var client := CopresenceClient.new()
	var heard: Array = []
	client.gesture_recognised.connect(func(slot: int, hand: String, label: String, score: float, source: String) -> void: heard.push_back([slot, hand, label, score, source]))
	client.body_3d_estimated.connect(func(slot: int, points: PackedVector3Array, _score: float) -> void: heard.push_back([slot, points.size(), points[1]]))
	client.body_pose_estimated.connect(func(slot: int, points: PackedVector3Array, _score: float) -> void: heard.push_back([slot, points.size(), points[0]]))
	client.language_understood.connect(func(slot: int, chat_id: int, value: Dictionary) -> void: heard.push_back([slot, chat_id, value["sentiment"]["label"]]))
	client.refused.connect(func(error: CopresenceError) -> void: heard.push_back([error.code, error.retry, error.retry_after_ms]))
	client._take_control({"type": "result", "slot": 3, "value": {"task": "gesture", "hand": "left", "label": "pinch", "score": 0.75, "source": "tracking"}})
	client._take_control({"type": "result", "slot": 4, "value": {"task": "body-3d", "world": range(99), "landmarks": range(132), "score": 1}})
	client._take_control({"type": "result", "slot": 5, "value": {"task": "body-pose", "keypoints": range(51), "score": 1}})
	client._take_control({"type": "result", "slot": 6, "chatId": 9, "value": {"task": "language", "sentiment": {"label": "positive", "score": 1}}})
	client._take_control({"type": "error", "code": "RATE_LIMITED", "detail": "", "about": "say", "retry": "later", "retryAfterMs": 250, "closing": false})
	_count("results", heard == [[3, "left", "pinch", 0.75, "tracking"], [4, 33, Vector3(3, -4, -5)], [5, 17, Vector3(0, 1, 2)], [6, 9, "positive"], ["RATE_LIMITED", CopresenceError.Retry.LATER, 250.0]])
	_count("close codes", CopresenceError.of_close(4401).code == "TOKEN_INVALID" and CopresenceError.of_close(1006).retry == CopresenceError.Retry.RECONNECT)
	_check_people(client)
	client.free()


## Who is told of when a place was resumed, and when another participation begins.
func _check_people(client: CopresenceClient) -> void:
	var events: Array[String] = []
	client.participant_changed.connect(func(participant: CopresenceParticipant, event: String) -> void: events.push_back(participant.name + " " + event))
	client._take_control(_joined(false, [["Me", 0, "live"], ["Ada", 1, "live"], ["Bob", 2, "live"], ["Cem", 3, "live"]]))
	client._take_control({"type": "presence", "event": "away", "participant": _info("Cem", 3, "away")})
	_count("who is there", events == ["Ada joined", "Bob joined", "Cem joined", "Cem away"] and client.participants.size() == 4)
	events.clear()
	client._take_control(_joined(true, [["Me", 0, "live"], ["Ada", 1, "away"], ["Dora", 2, "live"], ["Cem", 3, "live"]]))
	_count("who is there after a break", events == ["Bob left", "Ada away", "Dora joined", "Cem back"])
	events.clear()
	client._take_control(_joined(false, [["Me", 0, "live"], ["Ada", 1, "live"]]))
	events.sort()
	_count("who is there anew", events == ["Ada joined", "Ada left", "Cem left", "Dora left"] and client.participants.size() == 2)


func _joined(resumed: bool, people: Array) -> Dictionary:
	var infos := people.map(func(person: Array) -> Dictionary: return _info(person[0], person[1], person[2]))
	return {"type": "joined", "slot": 0, "resumed": resumed, "resumeToken": "t", "resumeMs": 30000, "participants": infos}


func _info(person: String, slot: int, presence: String) -> Dictionary:
	return {"slot": slot, "participantId": person, "name": person, "role": "participant", "presence": presence}


func _tracker(tracker_name: String, pose: StringName, transform_there: Transform3D, confidence := XRPose.XR_TRACKING_CONFIDENCE_HIGH) -> XRPositionalTracker:
	var tracker := XRPositionalTracker.new()
	tracker.name = tracker_name
	tracker.set_pose(pose, transform_there, Vector3.ZERO, Vector3.ZERO, confidence)
	XRServer.add_tracker(tracker)
	return tracker


func _somebody(x: float) -> CopresencePoseSample:
	var sample := CopresencePoseSample.new()
	sample.set_rigid(CopresencePoseSample.HEAD, Transform3D(Basis(Vector3.UP, 0.3), Vector3(x, 1.6, 0)))
	sample.valid |= CopresencePoseSample.Part.LEFT_HAND
	for joint in CopresencePoseSample.HAND_JOINTS:
		sample.positions[CopresencePoseSample.LEFT_HAND + joint] = Vector3(x - 0.2, 1.2, -0.3 - 0.005 * joint)
		sample.orientations[CopresencePoseSample.LEFT_HAND + joint] = Quaternion(Vector3.RIGHT, 0.02 * joint)
	return sample


func _add(buffer: CopresenceSampleBuffer, capture_ms: float, x: float, space_epoch := 0) -> bool:
	var sample := _somebody(x)
	sample.capture_ms = capture_ms
	sample.space_epoch = space_epoch
	var bytes := PackedByteArray()
	bytes.resize(CopresenceCodec.MAX_SAMPLE_BYTES)
	CopresenceCodec.encode_sample(sample, bytes, 0)
	return buffer.add(bytes, 0, capture_ms)


func _count(what: String, passed: bool) -> void:
	if passed:
		_passed += 1
	else:
		_failed += 1
		print("failed: ", what)
