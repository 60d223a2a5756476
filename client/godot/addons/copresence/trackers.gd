class_name CopresenceTrackers
extends RefCounted
## One remote participant as trackers of [XRServer]: [code]copresence/SLOT/head[/code], [code]…/left_controller[/code], [code]…/left_hand[/code] and so on.
##
## What follows a tracker by its name, such as [XRNode3D] and [XRHandModifier3D], follows them as it does the wearer's own.

const _RIGID: Array[String] = ["head", "left_controller", "right_controller"]
const _HANDS: Array[String] = ["left_hand", "right_hand"]

var _rigid: Array[XRPositionalTracker] = []
var _hands: Array[XRHandTracker] = []


func _init(slot: int) -> void:
	for part in _RIGID:
		var tracker := XRPositionalTracker.new()
		tracker.type = XRServer.TRACKER_ANCHOR
		tracker.name = "copresence/%d/%s" % [slot, part]
		_rigid.push_back(tracker)
		XRServer.add_tracker(tracker)
	for side in 2:
		var tracker := XRHandTracker.new()
		tracker.name = "copresence/%d/%s" % [slot, _HANDS[side]]
		tracker.hand = XRPositionalTracker.TRACKER_HAND_RIGHT if side else XRPositionalTracker.TRACKER_HAND_LEFT
		tracker.hand_tracking_source = XRHandTracker.HAND_TRACKING_SOURCE_UNKNOWN
		_hands.push_back(tracker)
		XRServer.add_tracker(tracker)


## Confidence is low while nothing newer has come; what is not valid has no tracking data.
func update(sample: CopresencePoseSample, source: CopresenceSampleBuffer.Source) -> void:
	var confidence := XRPose.XR_TRACKING_CONFIDENCE_LOW if source == CopresenceSampleBuffer.Source.HELD else XRPose.XR_TRACKING_CONFIDENCE_HIGH
	for place in 3:
		if sample.valid & 1 << place:
			_rigid[place].set_pose(&"default", sample.transform_at(place), Vector3.ZERO, Vector3.ZERO, confidence)
		else:
			_rigid[place].invalidate_pose(&"default")
	for side in 2:
		var is_there := sample.valid & CopresencePoseSample.Part.LEFT_HAND << side != 0
		_hands[side].has_tracking_data = is_there
		if not is_there:
			_hands[side].invalidate_pose(&"default")
			continue
		CopresenceHands.write(sample, CopresencePoseSample.RIGHT_HAND if side else CopresencePoseSample.LEFT_HAND, _hands[side])
		# As Godot's own interfaces have it, a hand is where its palm is.
		_hands[side].set_pose(&"default", _hands[side].get_hand_joint_transform(XRHandTracker.HAND_JOINT_PALM), Vector3.ZERO, Vector3.ZERO, confidence)


func remove() -> void:
	for tracker: XRTracker in _rigid + _hands:
		XRServer.remove_tracker(tracker)
	_rigid.clear()
	_hands.clear()
