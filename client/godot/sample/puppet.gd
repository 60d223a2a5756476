class_name CopresencePuppet
extends RefCounted
## Somebody without a headset: stands, looks around, and opens and closes both hands.

## Where each finger leaves the palm of a right hand, metres, and the lengths of its bones.
const _FINGERS := [
	[-0.030, [0.045, 0.034, 0.030]],
	[-0.026, [0.068, 0.042, 0.025, 0.022]],
	[-0.006, [0.066, 0.046, 0.029, 0.023]],
	[0.014, [0.061, 0.042, 0.027, 0.022]],
	[0.033, [0.056, 0.033, 0.020, 0.020]],
]


## Writes where they are at [param seconds], standing at [param place] and facing its -Z.
static func pose(seconds: float, place: Transform3D, into: CopresencePoseSample) -> void:
	into.valid = 0
	into.tracked = 0
	var sway := sin(seconds * 0.9) * 0.03
	into.set_rigid(CopresencePoseSample.HEAD, place * Transform3D(Basis(Vector3.UP, sin(seconds * 0.7) * 0.3), Vector3(sway, 1.6, 0)))
	for side in 2:
		var outwards := 1.0 if side else -1.0
		var lean := outwards * sin(seconds * 2.2) * 0.2
		var wrist := place * Transform3D(Basis(Vector3.BACK, -lean), Vector3(outwards * 0.27 + sway, 1.32, -0.28))
		var curl := smoothstep(-0.6, 0.6, sin(seconds * 0.8 + PI * side))
		_pose_hand(wrist, outwards, curl, into, CopresencePoseSample.RIGHT_HAND if side else CopresencePoseSample.LEFT_HAND)
		into.valid |= CopresencePoseSample.Part.LEFT_HAND << side
	into.tracked = into.valid


## A raised hand, fingers along the wrist's +Y and the palm to its -Z. [param outwards] is 1 for a right hand; [param curl] is 0 open, 1 a fist.
static func _pose_hand(wrist: Transform3D, outwards: float, curl: float, into: CopresencePoseSample, first: int) -> void:
	_place(wrist, Vector3.ZERO, 0.0, into, first)
	var place := first + 1
	for finger in _FINGERS.size():
		var x: float = _FINGERS[finger][0]
		var at := Vector3(outwards * x * 0.6, 0.02 if finger == 0 else 0.03, 0.0)
		var bend := 0.0
		_place(wrist, at, bend, into, place)
		place += 1
		for bone in _FINGERS[finger][1].size():
			var length: float = _FINGERS[finger][1][bone]
			if finger == 0 or bone > 0:
				bend += curl * (0.6 if finger == 0 else 1.45)
			var spread := -0.55 * length if finger == 0 else x * 0.4 if bone == 0 else x * 0.12 * (1.0 - curl)
			at += Vector3(outwards * spread, length * cos(bend), -length * sin(bend))
			_place(wrist, at, bend, into, place)
			place += 1


## A joint looks along -Z to the next one, and its -Y is the palm's side.
static func _place(wrist: Transform3D, at: Vector3, bend: float, into: CopresencePoseSample, place: int) -> void:
	var joint := wrist * Transform3D(Basis(Vector3.RIGHT, PI / 2.0 - bend), at)
	into.positions[place] = joint.origin
	into.orientations[place] = joint.basis.get_rotation_quaternion()
