class_name CopresencePoseSample
extends RefCounted
## One moment of one headset [POS1]: head, controllers and hands, right-handed, +Y up, -Z forward, in metres, as in Godot.
##
## Reuse one for each stream: nothing is allocated after its creation. Joints are turned as WebXR and OpenXR turn them, along -Z towards the tip;
## [CopresenceHands] converts to what [XRHandTracker] holds.

## Bits of [member valid] and [member tracked].
enum Part { HEAD = 1, LEFT_CONTROLLER = 2, RIGHT_CONTROLLER = 4, LEFT_HAND = 8, RIGHT_HAND = 16, ALL = 31 }

const HAND_JOINTS := 25
## Places in [member positions] and [member orientations]. A hand has HAND_JOINTS from its place on, in WebXR's order.
const HEAD := 0
const LEFT_CONTROLLER := 1
const RIGHT_CONTROLLER := 2
const LEFT_HAND := 3
const RIGHT_HAND := 28
const PLACES := 53

## Milliseconds: the device's clock when a client sends it, the server's when it was received.
var capture_ms := 0.0
## Whose pose is given.
var valid := 0
## What of that sensors saw, as against estimated.
var tracked := 0
## One higher, modulo 8, after each reset of the reference space.
var space_epoch := 0
## Metres, PLACES of them.
var positions := PackedVector3Array()
## Unit quaternions, PLACES of them.
var orientations: Array[Quaternion] = []


func _init() -> void:
	positions.resize(PLACES)
	orientations.resize(PLACES)
	orientations.fill(Quaternion.IDENTITY)


## The pose at a place, such as [constant HEAD] or [code]LEFT_HAND + joint[/code].
func transform_at(place: int) -> Transform3D:
	return Transform3D(Basis(orientations[place]), positions[place])


## Sets a rigid part and marks it as valid; [param by_sensor] also as tracked.
func set_rigid(place: int, pose: Transform3D, by_sensor := true) -> void:
	positions[place] = pose.origin
	orientations[place] = pose.basis.get_rotation_quaternion()
	valid |= 1 << place
	if by_sensor:
		tracked |= 1 << place


func copy_from(other: CopresencePoseSample) -> void:
	capture_ms = other.capture_ms
	valid = other.valid
	tracked = other.tracked
	space_epoch = other.space_epoch
	positions = other.positions.duplicate()
	orientations.assign(other.orientations)
