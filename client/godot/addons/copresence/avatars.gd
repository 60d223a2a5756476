class_name CopresenceAvatars
extends Node3D
## Everybody else of a session as children: a [CopresenceAvatar] each, or a scene of your own.

## Whom to ask; the parent when it is one.
@export var client: CopresenceClient
## Made for each participant. Its root has [code]set_participant(participant)[/code] and [code]show_pose(sample, source)[/code], as [CopresenceAvatar] has.
@export var avatar_scene: PackedScene
## Also keep an [XRHandTracker] and trackers of the head and the controllers for each participant in [XRServer], under [code]copresence/SLOT/…[/code]
## ([CopresenceTrackers]), so that an [XRHandModifier3D] of your own scene can follow them.
@export var trackers := false

var _avatars: Dictionary[int, Node3D] = {}
var _trackers: Dictionary[int, CopresenceTrackers] = {}
var _drawn := CopresencePoseSample.new()


func _ready() -> void:
	if client == null:
		client = get_parent() as CopresenceClient
	if client == null:
		push_error("CopresenceAvatars needs a CopresenceClient, as its parent or as its client")
		set_process(false)
		return
	client.participant_changed.connect(_on_participant)
	client.state_changed.connect(_on_state)
	for participant: CopresenceParticipant in client.participants.values():
		if participant.slot != client.slot:
			_add(participant)


func _process(_delta: float) -> void:
	for slot in _avatars:
		var source := client.avatar_now(slot, _drawn)
		_avatars[slot].visible = source != CopresenceSampleBuffer.Source.NONE
		if source == CopresenceSampleBuffer.Source.NONE:
			continue
		_avatars[slot].call(&"show_pose", _drawn, source)
		if _trackers.has(slot):
			_trackers[slot].update(_drawn, source)


func _exit_tree() -> void:
	_clear()


func _on_participant(participant: CopresenceParticipant, event: String) -> void:
	if event == "left":
		_remove(participant.slot)
	elif not _avatars.has(participant.slot):
		_add(participant)


func _on_state(state: CopresenceClient.State, _error: CopresenceError) -> void:
	if state == CopresenceClient.State.ENDED:
		_clear()


func _add(participant: CopresenceParticipant) -> void:
	var avatar: Node3D = avatar_scene.instantiate() if avatar_scene else CopresenceAvatar.new()
	avatar.visible = false
	avatar.name = "Avatar%d" % participant.slot
	add_child(avatar)
	avatar.call(&"set_participant", participant)
	_avatars[participant.slot] = avatar
	if trackers:
		_trackers[participant.slot] = CopresenceTrackers.new(participant.slot)


func _remove(slot: int) -> void:
	if _avatars.has(slot):
		_avatars[slot].queue_free()
		_avatars.erase(slot)
	if _trackers.has(slot):
		_trackers[slot].remove()
		_trackers.erase(slot)


func _clear() -> void:
	for slot: int in _avatars.keys():
		_remove(slot)
