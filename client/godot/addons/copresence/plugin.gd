@tool
extends EditorPlugin
## Nothing to set up: every class of the addon has a name, and so is in the editor's lists once the folder is there.
