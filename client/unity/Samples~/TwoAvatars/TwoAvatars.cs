// From nothing to two avatars that see each other, without a scene: TwoAvatars url token. In Unity, Connect in Start and Dispatch in Update.
using System;
using System.Threading;
using Copresence;

public static class TwoAvatars
{
    public static void Main(string[] args)
    {
        var ada = new CopresenceClient(new ClientOptions { Url = args[0], Token = args[1], Session = "lobby", Name = "Ada" });
        var bob = new CopresenceClient(new ClientOptions { Url = args[0], Token = args[1], Session = "lobby", Name = "Bob" });
        bool seen = false;
        bob.PoseReceived += (slot, sample) =>
        {
            if (!seen) Console.WriteLine(bob.Find(slot).Name + " is at " + sample.Head.X + ", " + sample.Head.Y + ", " + sample.Head.Z);
            seen = true;
        };
        ada.Connect();
        bob.Connect();
        for (; !seen; Thread.Sleep(11))
        {
            ada.Dispatch();
            bob.Dispatch();
            ada.SendPose(new PoseSample { CaptureMs = CopresenceClient.NowMs, Valid = Parts.Head, Tracked = Parts.Head, Head = new Pose(0, 1.6f, 0, 0, 0, 0, 1) });
        }
        ada.Dispose();
        bob.Dispose();
    }
}
