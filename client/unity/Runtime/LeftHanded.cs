namespace Copresence
{
    /// <summary>
    /// Unity's space and the wire's: both have +Y up and metres, but Unity is left-handed with +Z forward. The same function goes both ways.
    /// </summary>
    public static class LeftHanded
    {
        public static Pose Flip(Pose pose)
        {
            return new Pose(pose.X, pose.Y, -pose.Z, -pose.QX, -pose.QY, pose.QZ, pose.QW);
        }

        /// <summary>Flips every pose of a sample where it is.</summary>
        public static void Flip(PoseSample sample)
        {
            for (int part = 0; part < 3; part++) sample.Rigid[part] = Flip(sample.Rigid[part]);
            for (int joint = 0; joint < Codec.HandJoints; joint++)
            {
                sample.LeftHand[joint] = Flip(sample.LeftHand[joint]);
                sample.RightHand[joint] = Flip(sample.RightHand[joint]);
            }
        }
    }
}
