class_name CopresenceAvatar
extends Node3D
## A plain body for one participant: a head with a visor, controllers, hands of 25 joints, their name; pale while nothing newer is heard of them.

const _BONE_M := 0.014
const _TIP_M := 0.016
## Joints of one hand from which a bone leads to the next joint of the same finger; the others are tips and the wrist.
const _TIPS: Array[int] = [0, 4, 9, 14, 19, 24]
const _LIVE_ALPHA := 1.0
const _HELD_ALPHA := 0.35

var _material := StandardMaterial3D.new()
var _visor := StandardMaterial3D.new()
var _head := Node3D.new()
var _controllers: Array[MeshInstance3D] = []
var _hands := MultiMesh.new()
var _label := Label3D.new()


func _init() -> void:
	_visor.albedo_color = Color(0.1, 0.11, 0.13)
	var skull := SphereMesh.new()
	skull.radius = 0.11
	skull.height = 0.26
	_add(_head, skull, _material, Vector3(0, -0.01, 0.06))
	var visor := BoxMesh.new()
	visor.size = Vector3(0.17, 0.09, 0.09)
	_add(_head, visor, _visor, Vector3(0, 0.01, -0.02))
	add_child(_head)
	var grip := CapsuleMesh.new()
	grip.radius = 0.02
	grip.height = 0.12
	for side in 2:
		_controllers.push_back(_add(self, grip, _visor, Vector3.ZERO))
	var bone := BoxMesh.new()
	bone.material = _material
	_hands.transform_format = MultiMesh.TRANSFORM_3D
	_hands.mesh = bone
	_hands.instance_count = 2 * CopresencePoseSample.HAND_JOINTS
	var instance := MultiMeshInstance3D.new()
	instance.multimesh = _hands
	# Its bounds are made from where the hands were when they were set, not where they are.
	instance.custom_aabb = AABB(Vector3(-50, -50, -50), Vector3(100, 100, 100))
	add_child(instance)
	_label.billboard = BaseMaterial3D.BILLBOARD_ENABLED
	_label.pixel_size = 0.002
	_label.outline_size = 8
	_label.position.y = 0.26
	_head.add_child(_label)


## Called once, when they are there.
func set_participant(participant: CopresenceParticipant) -> void:
	_label.text = participant.name
	_material.albedo_color = Color.from_hsv(fmod(0.58 + participant.slot * 0.381966, 1.0), 0.45, 0.92)


## Called with each frame. Parts that are not valid are not shown.
func show_pose(sample: CopresencePoseSample, source: CopresenceSampleBuffer.Source) -> void:
	var alpha := _HELD_ALPHA if source == CopresenceSampleBuffer.Source.HELD else _LIVE_ALPHA
	if _material.albedo_color.a != alpha:
		_material.albedo_color.a = alpha
		_material.transparency = BaseMaterial3D.TRANSPARENCY_DISABLED if alpha == _LIVE_ALPHA else BaseMaterial3D.TRANSPARENCY_ALPHA
	_show_rigid(_head, sample, CopresencePoseSample.HEAD)
	for side in 2:
		_show_rigid(_controllers[side], sample, CopresencePoseSample.LEFT_CONTROLLER + side)
		_show_hand(sample, side)


func _show_rigid(node: Node3D, sample: CopresencePoseSample, place: int) -> void:
	node.visible = sample.valid & 1 << place != 0
	if node.visible:
		node.transform = sample.transform_at(place)


func _show_hand(sample: CopresencePoseSample, side: int) -> void:
	var first := CopresencePoseSample.RIGHT_HAND if side else CopresencePoseSample.LEFT_HAND
	var instance := side * CopresencePoseSample.HAND_JOINTS
	if not sample.valid & CopresencePoseSample.Part.LEFT_HAND << side:
		for joint in CopresencePoseSample.HAND_JOINTS:
			_hands.set_instance_transform(instance + joint, Transform3D(Basis.from_scale(Vector3.ZERO), Vector3.ZERO))
		return
	var positions := sample.positions
	for joint in CopresencePoseSample.HAND_JOINTS:
		var from := positions[first + joint]
		var basis := Basis(sample.orientations[first + joint])
		if joint in _TIPS:
			_hands.set_instance_transform(instance + joint, Transform3D(basis.scaled_local(Vector3.ONE * _TIP_M), from))
		else:
			# A bone looks along -Z, to the next joint.
			var to := positions[first + joint + 1]
			_hands.set_instance_transform(instance + joint, Transform3D(basis.scaled_local(Vector3(_BONE_M, _BONE_M, from.distance_to(to))), (from + to) / 2.0))


static func _add(parent: Node3D, mesh: PrimitiveMesh, material: Material, at: Vector3) -> MeshInstance3D:
	var instance := MeshInstance3D.new()
	instance.mesh = mesh
	instance.material_override = material
	instance.position = at
	parent.add_child(instance)
	return instance
