/** What figures need of three.js, out of A-Frame's own copy: two copies in one scene do not know each other's objects. Builds for A-Frame take this for `three`. */
import type * as Three from 'three';

const { AFRAME } = globalThis as unknown as { readonly AFRAME?: { readonly THREE: typeof Three } };
if (AFRAME === undefined) throw new Error('load A-Frame before copresence/aframe');

export const {
  BoxGeometry, CanvasTexture, Color, CylinderGeometry, Group, IcosahedronGeometry, InstancedMesh, Matrix4, Mesh, MeshStandardMaterial, Quaternion, SphereGeometry, Sprite, SpriteMaterial,
  SRGBColorSpace, TorusGeometry, Vector3,
} = AFRAME.THREE;
