"""Where faces are in a picture, and whether their eyes are open. Nobody is recognised, and nothing is sent anywhere.

The two networks are those of MediaPipe (Apache License 2.0, see NOTICE), unchanged, run by OpenVINO:
face_detection_full_range.tflite  SHA-256 99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3
iris_landmark.tflite              SHA-256 d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f
"""
