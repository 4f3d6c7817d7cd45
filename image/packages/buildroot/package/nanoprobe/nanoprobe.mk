################################################################################
#
# nanoprobe
#
################################################################################

NANOPROBE_VERSION = 0.1.0
NANOPROBE_LICENSE = MIT or Apache-2.0, and those in copyright
NANOPROBE_LICENSE_FILES = LICENSE-MIT LICENSE-APACHE copyright

ifeq ($(BR2_aarch64),y)
NANOPROBE_TRIPLE = aarch64-unknown-linux-musl
else ifeq ($(BR2_x86_64),y)
NANOPROBE_TRIPLE = x86_64-unknown-linux-musl
else ifeq ($(BR2_ARM_EABIHF)$(BR2_ARM_CPU_ARMV7A),yy)
NANOPROBE_TRIPLE = armv7-unknown-linux-musleabihf
else
# Without floating point: it runs on every ARM.
NANOPROBE_TRIPLE = armv5te-unknown-linux-musleabi
endif

NANOPROBE_SITE = $(call qstrip,$(BR2_PACKAGE_NANOPROBE_TARBALLS))
NANOPROBE_SITE_METHOD = file
NANOPROBE_SOURCE = nanoprobe-$(NANOPROBE_VERSION)-$(NANOPROBE_TRIPLE).tar.gz
# Static: it needs neither the toolchain nor its C library.
NANOPROBE_ADD_TOOLCHAIN_DEPENDENCY = NO

# Against what build.sh wrote beside it.
define NANOPROBE_CHECK_SUM
	cd $(NANOPROBE_SITE) && grep -F ' $(NANOPROBE_SOURCE)' SHA256SUMS >$(@D)/.sum
	cd $(NANOPROBE_DL_DIR) && sha256sum --check --quiet $(@D)/.sum
endef
NANOPROBE_POST_EXTRACT_HOOKS += NANOPROBE_CHECK_SUM

define NANOPROBE_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/nanoprobe $(TARGET_DIR)/usr/bin/nanoprobe
	$(INSTALL) -D -m 0644 $(@D)/config.toml $(TARGET_DIR)/usr/share/nanoprobe/config.toml
	$(INSTALL) -d -m 0700 $(TARGET_DIR)/etc/nanoprobe
endef

define NANOPROBE_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(@D)/services/nanoprobe.init $(TARGET_DIR)/etc/init.d/S80nanoprobe
endef

define NANOPROBE_INSTALL_INIT_OPENRC
	$(INSTALL) -D -m 0755 $(@D)/services/nanoprobe.openrc $(TARGET_DIR)/etc/init.d/nanoprobe
	$(INSTALL) -d $(TARGET_DIR)/etc/runlevels/default
	ln -sfn /etc/init.d/nanoprobe $(TARGET_DIR)/etc/runlevels/default/nanoprobe
	$(INSTALL) -D -m 0755 $(@D)/services/nanoprobe-web.openrc $(TARGET_DIR)/etc/init.d/nanoprobe-web
endef

define NANOPROBE_INSTALL_INIT_SYSTEMD
	$(INSTALL) -d $(TARGET_DIR)/usr/lib/systemd/system
	$(INSTALL) -m 0644 $(@D)/services/*.service $(TARGET_DIR)/usr/lib/systemd/system/
	$(SED) 's,/usr/local/bin,/usr/bin,' $(TARGET_DIR)/usr/lib/systemd/system/nanoprobe*.service
	# Every unit starts with the system unless a preset says otherwise: the status page waits for its owner.
	$(INSTALL) -d $(TARGET_DIR)/usr/lib/systemd/system-preset
	echo 'disable nanoprobe-web.service' >$(TARGET_DIR)/usr/lib/systemd/system-preset/70-nanoprobe.preset
endef

define NANOPROBE_PERMISSIONS
	/etc/nanoprobe d 0700 0 0 - - - - -
endef

$(eval $(generic-package))
