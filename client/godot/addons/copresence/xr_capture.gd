class_name CopresenceXRCapture
extends Node
## Reads what the headset tracks out of [XRServer] and sends it with each frame: head, controllers (grip), and 25 joints of each hand.
##
## As a child of a [CopresenceClient] it sends by that one. Without a headset it sends [member camera], so that somebody at a desk is there too.

## Whoever sends; the parent when it is one. Without one nothing is sent, and [method capture] is for you to call.
@export var client: CopresenceClient
## The [XROrigin3D], when it moves about in a scene that everybody shares: poses are sent in its parent's world then. Otherwise they are those of the play area.
@export var origin: Node3D
## Sent as the head while no headset is tracked.
@export var camera: Camera3D
## Samples a second at most; the server takes 120.
@export_range(5.0, 120.0) var rate_hz := 120.0

const _HAND_TRACKERS: Array[StringName] = [&"/user/hand_tracker/left", &"/user/hand_tracker/right"]
const _CONTROLLERS: Array[StringName] = [&"left_hand", &"right_hand"]
const _BODY := &"/user/body_tracker"
## A humanoid's head looks along +Z.
const _HEAD_OF_BODY := Quaternion(0.0, 1.0, 0.0, 0.0)
const _RECENTRED: Array[StringName] = [&"pose_recentered", &"reference_space_reset"]

## What was captured last.
var sample := CopresencePoseSample.new()
var _space_epoch := 0
var _sent_ms := -INF


func _ready() -> void:
	if client == null:
		client = get_parent() as CopresenceClient
	XRServer.interface_added.connect(_watch)
	for info in XRServer.get_interfaces():
		_watch(info["name"])


func _process(_delta: float) -> void:
	var now_ms := CopresenceClient.now_ms()
	# A frame that comes a little early is not left out, or 90 Hz would become 60.
	if client == null or client.state != CopresenceClient.State.LIVE or now_ms - _sent_ms < 750.0 / rate_hz:
		return
	capture(now_ms)
	if sample.valid:
		_sent_ms = now_ms
		client.send_pose(sample)


## Positions from now on do not compare with those before: after a teleport, say. The others do not see a flight through the room then.
func begin_space() -> void:
	_space_epoch = (_space_epoch + 1) & 7


## Overwrites [member sample] with where everything is. Parts that are not there are not valid; what no sensor saw is not tracked.
func capture(capture_ms: float) -> void:
	sample.capture_ms = capture_ms
	sample.space_epoch = _space_epoch
	sample.valid = 0
	sample.tracked = 0
	var space := origin.global_transform.orthonormalized() if origin else Transform3D.IDENTITY
	var body := XRServer.get_tracker(_BODY) as XRBodyTracker
	if body and not body.has_tracking_data:
		body = null
	_capture_head(space, body)
	for side in 2:
		var is_inferred := _capture_hand(side, space, body)
		if not sample.valid & CopresencePoseSample.Part.LEFT_HAND << side or is_inferred:
			_capture_rigid(_CONTROLLERS[side], [&"grip", &"default"], space, CopresencePoseSample.LEFT_CONTROLLER + side)


func _capture_head(space: Transform3D, body: XRBodyTracker) -> void:
	if _capture_rigid(&"head", [&"default"], space, CopresencePoseSample.HEAD):
		return
	if body and body.get_joint_flags(XRBodyTracker.JOINT_HEAD) & XRBodyTracker.JOINT_FLAG_POSITION_VALID:
		sample.set_rigid(CopresencePoseSample.HEAD, space * XRServer.get_reference_frame() * body.get_joint_transform(XRBodyTracker.JOINT_HEAD) * Transform3D(Basis(_HEAD_OF_BODY)))
	elif camera:
		sample.set_rigid(CopresencePoseSample.HEAD, camera.global_transform)


func _capture_rigid(tracker_name: StringName, poses: Array[StringName], space: Transform3D, place: int) -> bool:
	var tracker := XRServer.get_tracker(tracker_name) as XRPositionalTracker
	if tracker == null:
		return false
	for pose_name in poses:
		var pose := tracker.get_pose(pose_name)
		if pose and pose.has_tracking_data:
			sample.set_rigid(place, space * pose.get_adjusted_transform(), pose.tracking_confidence == XRPose.XR_TRACKING_CONFIDENCE_HIGH)
			return true
	return false


## A hand counts only whole. True when its joints were inferred from a controller, which is then sent too.
func _capture_hand(side: int, space: Transform3D, body: XRBodyTracker) -> bool:
	var first := CopresencePoseSample.RIGHT_HAND if side else CopresencePoseSample.LEFT_HAND
	var part := CopresencePoseSample.Part.LEFT_HAND << side
	var seen := space * XRServer.get_reference_frame()
	var tracker := XRServer.get_tracker(_HAND_TRACKERS[side]) as XRHandTracker
	if tracker and tracker.has_tracking_data and CopresenceHands.read(tracker, seen, sample, first):
		sample.valid |= part
		if tracker.hand_tracking_source == XRHandTracker.HAND_TRACKING_SOURCE_CONTROLLER:
			return true
		sample.tracked |= part
	elif body and body.body_flags & XRBodyTracker.BODY_FLAG_HANDS_SUPPORTED:
		var wrist := XRBodyTracker.JOINT_RIGHT_WRIST if side else XRBodyTracker.JOINT_LEFT_WRIST
		if CopresenceHands.read_of_body(body, wrist, seen, sample, first):
			sample.valid |= part
			sample.tracked |= part
	return false


## Somebody recentred, or tracking found itself again elsewhere.
func _watch(interface_name: StringName) -> void:
	var xr := XRServer.find_interface(interface_name)
	for happened in _RECENTRED:
		if xr and xr.has_signal(happened) and not xr.is_connected(happened, begin_space):
			xr.connect(happened, begin_space)
