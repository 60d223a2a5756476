class_name CopresenceHands
extends RefCounted
## Between the 25 joints of a pose sample and Godot's [XRHandTracker].
##
## The order is the same but for the palm, which Godot has first and the wire has not. Joints are turned differently: WebXR and OpenXR look along -Z towards
## the tip with +Y out of the back of the hand, Godot's humanoid skeleton along +Y with -Z out of the back.

## How many joints of [XRHandTracker] come before the wrist.
const FIRST_JOINT := XRHandTracker.HAND_JOINT_WRIST
## A joint of Godot is one of WebXR turned by this, and the other way round: it is half a turn.
const HUMANOID := Quaternion(0.0, -0.70710678118654752, 0.70710678118654752, 0.0)
const _NEEDED := XRHandTracker.HAND_JOINT_FLAG_ORIENTATION_VALID | XRHandTracker.HAND_JOINT_FLAG_POSITION_VALID
const _GIVEN := _NEEDED | XRHandTracker.HAND_JOINT_FLAG_ORIENTATION_TRACKED | XRHandTracker.HAND_JOINT_FLAG_POSITION_TRACKED
const _MIDDLE_METACARPAL := 10
const _MIDDLE_PROXIMAL := 11


## Reads a tracker's joints into a sample's hand, [param space] applied; false, and nothing valid, when one of them is missing.
static func read(tracker: XRHandTracker, space: Transform3D, into: CopresencePoseSample, first: int) -> bool:
	for joint in CopresencePoseSample.HAND_JOINTS:
		if tracker.get_hand_joint_flags((FIRST_JOINT + joint) as XRHandTracker.HandJoint) & _NEEDED != _NEEDED:
			return false
	for joint in CopresencePoseSample.HAND_JOINTS:
		_place(space * tracker.get_hand_joint_transform((FIRST_JOINT + joint) as XRHandTracker.HandJoint), into, first + joint)
	return true


## The same from a body tracker, whose hands begin at [param wrist].
static func read_of_body(tracker: XRBodyTracker, wrist: XRBodyTracker.Joint, space: Transform3D, into: CopresencePoseSample, first: int) -> bool:
	var needed := XRBodyTracker.JOINT_FLAG_ORIENTATION_VALID | XRBodyTracker.JOINT_FLAG_POSITION_VALID
	for joint in CopresencePoseSample.HAND_JOINTS:
		if tracker.get_joint_flags((wrist + joint) as XRBodyTracker.Joint) & needed != needed:
			return false
	for joint in CopresencePoseSample.HAND_JOINTS:
		_place(space * tracker.get_joint_transform((wrist + joint) as XRBodyTracker.Joint), into, first + joint)
	return true


## Writes a sample's hand into a tracker. The palm is halfway along the middle finger's metacarpal, where OpenXR has it.
static func write(sample: CopresencePoseSample, first: int, tracker: XRHandTracker) -> void:
	for joint in CopresencePoseSample.HAND_JOINTS:
		_write_joint(tracker, FIRST_JOINT + joint, sample.positions[first + joint], sample.orientations[first + joint])
	var palm := (sample.positions[first + _MIDDLE_METACARPAL] + sample.positions[first + _MIDDLE_PROXIMAL]) / 2.0
	_write_joint(tracker, XRHandTracker.HAND_JOINT_PALM, palm, sample.orientations[first + _MIDDLE_METACARPAL])


static func _place(joint: Transform3D, into: CopresencePoseSample, place: int) -> void:
	into.positions[place] = joint.origin
	into.orientations[place] = joint.basis.get_rotation_quaternion() * HUMANOID


static func _write_joint(tracker: XRHandTracker, joint: int, position: Vector3, orientation: Quaternion) -> void:
	tracker.set_hand_joint_transform(joint as XRHandTracker.HandJoint, Transform3D(Basis(orientation * HUMANOID), position))
	tracker.set_hand_joint_flags(joint as XRHandTracker.HandJoint, _GIVEN)
