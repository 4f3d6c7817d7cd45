include $(sort $(wildcard $(BR2_EXTERNAL_NANOPROBE_PATH)/package/*/*.mk))
